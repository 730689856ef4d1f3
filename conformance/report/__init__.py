"""What a run looks like: console, JSON, JUnit, HTML, Markdown."""
