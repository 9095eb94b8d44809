"""The commands of ``vtax``: one module for each, or for each few that go together.

Modules import what a command needs inside its function, so that each is as quick as it can be.
"""
