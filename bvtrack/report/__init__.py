"""Reports of the verdict: HTML page, Markdown, note, picture and notebook card."""
