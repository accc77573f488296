"""The rules as pure functions of bytes and values: no Django, network, files, clock or chance."""
