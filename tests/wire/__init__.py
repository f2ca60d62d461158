"""The wire held still: a corpus of requests, what each of them brings recorded, two records compared.

It imports nothing of the program: it starts a tree's sandbox and gateway as processes and sees what clients and
operators see. So one version of it records two trees, however different they are inside.
"""
