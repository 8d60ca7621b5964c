--liquibase formatted sql

--changeset anna:10
SELECT 10;
SELECT '${who}';
--rollback SELECT 0;
--changeset anna:11 dbms:h2
SELECT nothing;
--changeset anna:12
SELECT 12;
