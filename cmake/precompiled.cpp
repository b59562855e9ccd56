// Exists only to carry a precompiled header (cmake/room.cmake).
