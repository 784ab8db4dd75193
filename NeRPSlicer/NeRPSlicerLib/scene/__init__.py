"""MRML <-> engine: what the engine needs of nodes, and the nodes that show what it draws.

Arrays are NumPy ``[K, J, I]``, transforms ``[4, 4]`` named ``bFromA``, all in RAS millimetres. Nodes of the
module are found by role (:mod:`.roles`), also after a scene was saved and loaded.
"""
