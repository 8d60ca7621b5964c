--liquibase formatted sql

--changeset ben:6
SELECT 6;
SELECT '${text.type}';
--rollback SELECT 0
--changeset ben:7 runOnChange:true
SELECT 7;
