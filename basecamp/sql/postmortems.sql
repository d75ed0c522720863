-- name: known_postmortems
SELECT path, sha256 FROM basecamp.postmortems WHERE corpus = %(corpus)s AND model = %(model)s;

-- name: save_postmortem
INSERT INTO basecamp.postmortems
       (corpus, path, sha256, model, id, title, date, service, cause, fix, url, embedding)
VALUES (%(corpus)s, %(path)s, %(sha256)s, %(model)s, %(id)s, %(title)s, %(date)s, %(service)s, %(cause)s, %(fix)s,
        %(url)s, %(embedding)s::vector)
ON CONFLICT (corpus, path) DO UPDATE
   SET sha256 = excluded.sha256, model = excluded.model, id = excluded.id, title = excluded.title,
       date = excluded.date, service = excluded.service, cause = excluded.cause, fix = excluded.fix,
       url = excluded.url, embedding = excluded.embedding;

-- name: forget_postmortems
DELETE FROM basecamp.postmortems WHERE corpus = %(corpus)s AND path = ANY (%(paths)s);

-- name: similar_postmortems
SELECT id, title, date, service, cause, fix, url,
       round((1 - (embedding <=> %(embedding)s::vector))::numeric, 4)::float8 AS score
  FROM basecamp.postmortems
 WHERE corpus = ANY (%(corpora)s) AND model = %(model)s
 ORDER BY embedding <=> %(embedding)s::vector, id
 LIMIT %(k)s;
