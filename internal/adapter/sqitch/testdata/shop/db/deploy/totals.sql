BEGIN;
\ir ../functions/total.sql
SELECT 'totals';
COMMIT;
