CREATE TABLE desk (id INTEGER PRIMARY KEY, name TEXT NOT NULL);
CREATE TABLE writer (id INTEGER PRIMARY KEY, name TEXT NOT NULL, desk_id INTEGER NOT NULL REFERENCES desk (id));
CREATE TABLE article (id INTEGER PRIMARY KEY, title TEXT NOT NULL, writer_id INTEGER NOT NULL REFERENCES writer (id), words INTEGER NOT NULL, published TEXT);
INSERT INTO desk VALUES (1, 'city'), (2, 'sport'), (3, 'science');
INSERT INTO writer VALUES (1, 'Eli', 1), (2, 'Fay', 2), (3, 'Gus', 2), (4, 'Hana', 3);
INSERT INTO article VALUES (1, 'New bridge opens', 1, 640, '2024-03-02'), (2, 'Cup final', 2, 810, '2024-03-03'), (3, 'Transfer news', 3, 220, NULL), (4, 'Deep sea life', 4, 1400, '2024-03-05'), (5, 'Council budget', 1, 905, NULL);
