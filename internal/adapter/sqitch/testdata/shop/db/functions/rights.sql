SELECT 'rights of ' || :'app_role';
