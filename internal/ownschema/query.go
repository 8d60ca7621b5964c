package ownschema

// objectsQuery reads a schema, each object in it, and each object that is attached to one of its relations. It follows pg_depend, so that a
// kind of object that nobody thought of is read, too. It leaves out what runs no code when the schema's tables are read and written:
//
//   - the row types of tables, and their TOAST tables,
//   - publications of its tables,
//   - views and functions elsewhere that read its tables,
//   - NOT NULL constraints, which are in the definition of a table,
//   - objects that another session has dropped since the query began: they have no identity any more.
//
// $1 is the schema, $2 another role that is trusted, or the empty text. If $3 is true, the schema's owner is trusted, too, if a superuser asks: its
// objects are compared with an inventory. A superuser is not a member of each role here.
const objectsQuery = `
WITH RECURSIVE s AS (
	SELECT oid, nspname, nspowner, nspacl FROM pg_catalog.pg_namespace WHERE nspname = $1::text::name
), mine AS (
	SELECT oid FROM pg_catalog.pg_roles WHERE rolname IN (current_user, session_user, $2::text::name)
	UNION SELECT m.roleid FROM mine JOIN pg_catalog.pg_auth_members AS m ON m.member = mine.oid
), trusted AS (
	SELECT oid FROM mine UNION SELECT oid FROM pg_catalog.pg_roles WHERE rolsuper
	UNION SELECT nspowner FROM s WHERE $3 AND (SELECT rolsuper FROM pg_catalog.pg_roles WHERE rolname = current_user)
), inside AS (
	SELECT d.classid, d.objid FROM s JOIN pg_catalog.pg_depend AS d ON d.refclassid = 'pg_namespace'::regclass AND d.refobjid = s.oid
), relation AS (
	SELECT objid AS oid FROM inside WHERE classid = 'pg_class'::regclass
), attached AS (
	SELECT d.classid, d.objid FROM relation AS r JOIN pg_catalog.pg_depend AS d ON d.refclassid = 'pg_class'::regclass AND d.refobjid = r.oid
	WHERE d.classid NOT IN ('pg_type'::regclass, 'pg_publication_rel'::regclass, 'pg_proc'::regclass)
		AND NOT (d.classid = 'pg_class'::regclass AND EXISTS (SELECT FROM pg_catalog.pg_class AS c WHERE c.oid = d.objid AND c.relkind = 't'))
		AND NOT (d.classid = 'pg_rewrite'::regclass AND NOT EXISTS (
			SELECT FROM pg_catalog.pg_rewrite AS w WHERE w.oid = d.objid AND w.ev_class IN (SELECT oid FROM relation)))
		AND NOT (d.classid = 'pg_constraint'::regclass AND EXISTS (SELECT FROM pg_catalog.pg_constraint AS k WHERE k.oid = d.objid AND k.contype = 'n'))
), object AS (
	SELECT classid, objid FROM inside UNION SELECT classid, objid FROM attached
)
SELECT 'schema', quote_ident(s.nspname), '', quote_ident(pg_get_userbyid(s.nspowner)), s.nspowner IN (SELECT oid FROM trusted), '',
	ARRAY(SELECT 'CREATE (' || CASE a.grantee WHEN 0 THEN 'PUBLIC' ELSE quote_ident(pg_get_userbyid(a.grantee)) END || ')' FROM aclexplode(s.nspacl) AS a
		WHERE a.privilege_type = 'CREATE' AND a.grantee NOT IN (SELECT oid FROM trusted) ORDER BY 1)
FROM s
UNION ALL
SELECT i.type, i.identity, coalesce(CASE o.classid
		WHEN 'pg_class'::regclass THEN CASE c.relkind WHEN 'i' THEN pg_get_indexdef(c.oid) WHEN 'r' THEN (
			SELECT concat_ws(' ', CASE WHEN c.relpersistence <> 'p' THEN 'persistence ' || c.relpersistence::text END,
				CASE WHEN c.relrowsecurity OR c.relforcerowsecurity THEN 'row security' END,
				CASE WHEN c.reloftype <> 0 THEN 'of a type' END, CASE WHEN c.relispartition THEN 'partition' END,
				(SELECT 'inherits ' || string_agg(h.inhparent::regclass::text, ', ' ORDER BY h.inhseqno) FROM pg_catalog.pg_inherits AS h WHERE h.inhrelid = c.oid),
				'(' || string_agg(concat_ws(' ', quote_ident(a.attname), format_type(a.atttypid, a.atttypmod), 
				CASE WHEN a.attnotnull THEN 'NOT NULL' END, CASE WHEN a.attidentity <> '' THEN 'identity ' || a.attidentity::text END,
				CASE WHEN a.attgenerated <> '' THEN 'generated ' || a.attgenerated::text END), ', ' ORDER BY a.attnum) || ')')
			FROM pg_catalog.pg_attribute AS a WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped) ELSE '' END
		WHEN 'pg_attrdef'::regclass THEN (SELECT pg_get_expr(adbin, adrelid) FROM pg_catalog.pg_attrdef WHERE oid = o.objid)
		WHEN 'pg_constraint'::regclass THEN pg_get_constraintdef(o.objid)
		ELSE '' END, ''),
	coalesce(quote_ident(pg_get_userbyid(w.refobjid)), ''), w.refobjid IS NULL OR w.refobjid IN (SELECT oid FROM trusted),
	coalesce((SELECT min('the function ' || p.oid::regprocedure || ' of ' || quote_ident(pg_get_userbyid(p.proowner)))
		FROM pg_catalog.pg_depend AS f JOIN pg_catalog.pg_proc AS p ON p.oid = f.refobjid
		WHERE f.classid = o.classid AND f.objid = o.objid AND f.refclassid = 'pg_proc'::regclass AND p.proowner NOT IN (SELECT oid FROM trusted)), ''),
	ARRAY(SELECT DISTINCT a.privilege_type || ' (' || CASE a.grantee WHEN 0 THEN 'PUBLIC' ELSE quote_ident(pg_get_userbyid(a.grantee)) END || ')'
		FROM (
			SELECT c.relacl UNION ALL SELECT t.attacl FROM pg_catalog.pg_attribute AS t 
			WHERE t.attrelid = c.oid AND t.attacl IS NOT NULL) AS l (acl), aclexplode(l.acl) AS a
		WHERE (a.privilege_type = 'TRIGGER' OR $3 AND a.privilege_type IN ('INSERT', 'UPDATE', 'DELETE', 'TRUNCATE', 'REFERENCES'))
			AND a.grantee NOT IN (SELECT oid FROM trusted) ORDER BY 1)
FROM object AS o CROSS JOIN LATERAL pg_identify_object(o.classid, o.objid, 0) AS i
LEFT JOIN pg_catalog.pg_class AS c ON o.classid = 'pg_class'::regclass AND c.oid = o.objid
LEFT JOIN pg_catalog.pg_shdepend AS w ON w.dbid = (SELECT oid FROM pg_catalog.pg_database WHERE datname = current_database())
	AND w.classid = o.classid AND w.objid = o.objid AND w.objsubid = 0 AND w.deptype = 'o' AND w.refclassid = 'pg_authid'::regclass
WHERE i.identity IS NOT NULL
`
