-- a file
UPDATE account SET note = 'x';
UPDATE account SET note = $$a$$;
