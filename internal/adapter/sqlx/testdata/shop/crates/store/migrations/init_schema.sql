SELECT 'sqlx stops here';
