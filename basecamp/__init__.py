"""basecamp-mcp: a reference MCP server over the systems an on-call engineer looks at."""
