-- Past incidents with the vector of their symptom. The files are the truth; this table can be dropped at any time.
-- Exact scan: up to some ten thousand rows it is fast enough, and it never misses a neighbour.
CREATE EXTENSION IF NOT EXISTS vector;
CREATE TABLE basecamp.postmortems (
    corpus    text NOT NULL,
    path      text NOT NULL,
    sha256    text NOT NULL,
    model     text NOT NULL,
    id        text NOT NULL,
    title     text NOT NULL,
    date      text,
    service   text,
    cause     text NOT NULL,
    fix       text NOT NULL,
    url       text,
    embedding vector(384) NOT NULL,
    PRIMARY KEY (corpus, path)
);
