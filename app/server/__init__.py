"""The routes that clients call: glue between the wire and the rooms below."""
