"""Texts out of files that are no texts: `pdf`, `html`, `epub` and `docx`, each a function of a file's bytes.

`child` asks `worker`, a process with limits of memory and time that runs them. `writing` is how they write what they
find as Markdown, `archive` opens zip files within bounds, `xml_events` reads XML without entities, `xhtml` puts a page
of XML as a parser of HTML understands it, `answers` is what the two processes say to each other.
"""
