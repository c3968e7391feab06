"""How one call is made: who serves it, where, with which credentials, and when it is sent again."""
