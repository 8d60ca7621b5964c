package live

// namedObjects returns objects that the catalog keeps by kind and name only. All of
// them are needed, because an object that is missing in a complete catalog does
// not exist. For objects that may hold a password (servers, user mappings,
// subscriptions), only the names are read.
var namedObjects = []definition{
	{what: "languages", sql: `
SELECT format('CREATE LANGUAGE %I HANDLER %s', lanname, lanplcallfoid::regproc) FROM pg_language l
WHERE lanplcallfoid <> 0 AND NOT EXISTS (SELECT FROM pg_depend WHERE classid = 'pg_language'::regclass AND objid = l.oid AND deptype = 'e') ORDER BY oid`},
	{what: "operators", sql: `
SELECT format('CREATE OPERATOR %I.%s (%sRIGHTARG = %s, FUNCTION = %s)', nspname, oprname, CASE WHEN oprleft = 0 THEN '' ELSE 'LEFTARG = ' || format_type(oprleft, NULL) || ', ' END, format_type(oprright, NULL), oprcode)
FROM pg_operator o JOIN pg_namespace n ON n.oid = oprnamespace WHERE oprcode <> 0 AND @user ORDER BY o.oid`},
	{
		what: "operator families",
		sql:  `SELECT format('CREATE OPERATOR FAMILY %I.%I USING %I', nspname, opfname, amname) FROM pg_opfamily f JOIN pg_namespace n ON n.oid = opfnamespace JOIN pg_am a ON a.oid = opfmethod WHERE @user ORDER BY f.oid`,
	},
	{what: "operator classes", sql: `
SELECT format('CREATE OPERATOR CLASS %I.%I FOR TYPE %s USING %I FAMILY %s.%I AS STORAGE %s', n.nspname, opcname, format_type(opcintype, NULL), amname, quote_ident(fn.nspname), opfname, format_type(opcintype, NULL))
FROM pg_opclass c JOIN pg_namespace n ON n.oid = opcnamespace JOIN pg_am a ON a.oid = opcmethod JOIN pg_opfamily f ON f.oid = opcfamily JOIN pg_namespace fn ON fn.oid = opfnamespace WHERE @user ORDER BY c.oid`},
	{what: "casts", sql: `
SELECT format('CREATE CAST (%s AS %s) ', format_type(castsource, NULL), format_type(casttarget, NULL)) || CASE castmethod WHEN 'b' THEN 'WITHOUT FUNCTION' ELSE 'WITH INOUT' END || CASE castcontext WHEN 'a' THEN ' AS ASSIGNMENT' WHEN 'i' THEN ' AS IMPLICIT' ELSE '' END
FROM pg_cast WHERE oid >= 16384 ORDER BY oid`},
	{
		what: "transforms",
		sql:  `SELECT format('CREATE TRANSFORM FOR %s LANGUAGE %I (FROM SQL WITH FUNCTION %s)', format_type(trftype, NULL), lanname, (CASE WHEN trffromsql <> 0 THEN trffromsql ELSE trftosql END)::regprocedure) FROM pg_transform t JOIN pg_language l ON l.oid = trflang ORDER BY t.oid`,
	},
	{
		what: "conversions",
		sql:  `SELECT format('CREATE CONVERSION %I.%I FOR %L TO %L FROM %s', nspname, conname, pg_encoding_to_char(conforencoding), pg_encoding_to_char(contoencoding), conproc) FROM pg_conversion c JOIN pg_namespace n ON n.oid = connamespace WHERE @user ORDER BY c.oid`,
	},
	{
		what: "text search parsers",
		sql:  `SELECT format('CREATE TEXT SEARCH PARSER %I.%I (START = prsd_start)', nspname, prsname) FROM pg_ts_parser p JOIN pg_namespace n ON n.oid = prsnamespace WHERE @user ORDER BY p.oid`,
	},
	{
		what: "text search templates",
		sql:  `SELECT format('CREATE TEXT SEARCH TEMPLATE %I.%I (LEXIZE = dsimple_lexize)', nspname, tmplname) FROM pg_ts_template t JOIN pg_namespace n ON n.oid = tmplnamespace WHERE @user ORDER BY t.oid`,
	},
	{
		what: "text search dictionaries",
		sql:  `SELECT format('CREATE TEXT SEARCH DICTIONARY %I.%I (TEMPLATE = simple)', nspname, dictname) FROM pg_ts_dict d JOIN pg_namespace n ON n.oid = dictnamespace WHERE @user ORDER BY d.oid`,
	},
	{
		what: "text search configurations",
		sql:  `SELECT format('CREATE TEXT SEARCH CONFIGURATION %I.%I (PARSER = "default")', nspname, cfgname) FROM pg_ts_config c JOIN pg_namespace n ON n.oid = cfgnamespace WHERE @user ORDER BY c.oid`,
	},
	{
		what: "user mappings",
		sql:  `SELECT format('CREATE USER MAPPING FOR %s SERVER %I', CASE umuser WHEN 0 THEN 'PUBLIC' ELSE quote_ident(usename) END, srvname) FROM pg_user_mappings ORDER BY umid`,
	},
	{
		what: "subscriptions",
		sql:  `SELECT format('CREATE SUBSCRIPTION %I CONNECTION '''' PUBLICATION p WITH (connect = false)', subname) FROM pg_subscription WHERE subdbid = (SELECT oid FROM pg_database WHERE datname = current_database()) ORDER BY subname`,
	},
}
