"""One file per system that basecamp looks at; each speaks that system's real protocol."""
