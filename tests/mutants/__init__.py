"""Mutation testing of `app/translate`: what the tests would not notice."""
