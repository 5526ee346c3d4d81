"""The notebook's side: the ``%%venice`` cell, the ``%venice`` commands, completion."""
