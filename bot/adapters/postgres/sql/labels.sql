-- What recording a root cause reads beside the labels.

-- name: first_assessment
-- What the first investigation that concluded came to.
select assessment from aiops.investigation where incident_id = %(id)s and assessment is not null order by number limit 1

-- name: recorded_outcomes
-- The labels that stand, newest first.
select * from (select distinct on (incident_id) * from aiops.outcome order by incident_id, version desc) o
order by recorded_at desc, incident_id desc limit %(limit)s

-- name: content_of_post
-- What a message should read now.
select kind, content from aiops.post where operation = %(operation)s and content is not null
