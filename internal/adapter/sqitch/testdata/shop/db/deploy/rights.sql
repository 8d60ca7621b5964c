\set level 2
\if true
SELECT 'branch';
\else
SELECT 'other branch';
\endif
SELECT :level + 1, :'app_role', :"registry" FROM (VALUES (1)) AS v ("sqitch");
\i db/functions/rights.sql
