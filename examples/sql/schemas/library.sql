CREATE TABLE author (id INTEGER PRIMARY KEY, name TEXT NOT NULL, born INTEGER);
CREATE TABLE book (id INTEGER PRIMARY KEY, title TEXT NOT NULL, author_id INTEGER NOT NULL REFERENCES author (id), year INTEGER, pages INTEGER);
CREATE TABLE loan (book_id INTEGER NOT NULL REFERENCES book (id), reader TEXT NOT NULL, taken TEXT NOT NULL, returned TEXT);
INSERT INTO author VALUES (1, 'Oda Lind', 1921), (2, 'Jon Berg', 1950), (3, 'Mira Solt', 1987);
INSERT INTO book VALUES (1, 'The Salt Road', 1, 1954, 312), (2, 'Harbour Lights', 1, 1961, 208), (3, 'A Winter Ledger', 2, 1990, 455), (4, 'Tides', 3, 2019, 190), (5, 'Two Bridges', 3, 2022, 264);
INSERT INTO loan VALUES (1, 'Ana', '2024-01-04', '2024-01-20'), (1, 'Ben', '2024-02-01', NULL), (3, 'Ana', '2024-02-11', '2024-03-01'), (4, 'Cleo', '2024-03-02', NULL);
