package rehearse

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/jackc/pgx/v5"

	"github.com/onward-sql/onward/internal/pgparse"
)

// harmlessExtensions are extensions that only a superuser may create and that give no
// access beyond the database. Trusted ones need no help
// (https://www.postgresql.org/docs/current/contrib.html).
var harmlessExtensions = map[string]bool{
	"pg_stat_statements": true, "postgis": true, "postgis_topology": true, "postgis_raster": true, "postgis_tiger_geocoder": true,
	"timescaledb": true, "pgaudit": true, "pg_partman": true, "pgrouting": true, "earthdistance": true, "vector": true, "pg_repack": true,
	"pgstattuple": true, "amcheck": true, "bloom": true, "pg_buffercache": true, "pg_prewarm": true, "xml2": true,
}

// guardedExtensions are other extensions that a dump may create. Their access is closed to
// roles that are no superuser: by the extension itself, or because onward
// revokes the right to call their functions from everybody.
var guardedExtensions = map[string]bool{
	"dblink": true, "file_fdw": true, "postgres_fdw": true, "pageinspect": true, "pg_freespacemap": true, "pg_visibility": true, "pgrowlocks": true,
	"sslinfo": true, "pg_walinspect": true, "pg_surgery": true, "adminpack": true, "intagg": true, "old_snapshot": true,
}

// errNotOurs: the role must try to create the extension itself.
var errNotOurs = errors.New("not made in the role's place")

// workshop is the schema in which extensions are created. It contains nothing
// else.
const workshop = "onward_extension"

// createExtension creates an extension as a superuser.
//
// The script of an extension finds operators and functions by a search path: the
// extension's own schema, and the schemas of the extensions that it needs. There
// a superuser could call what a migration has made, instead of the server's own.
// So the extension is created in an empty schema, with only the needed
// extensions in it, and moved afterwards. An extension that cannot be moved is
// created only if all functions and operators on its path belong to extensions.
func (d superuserHelper) createExtension(ctx context.Context, e *pgparse.CreateExtensionStmt) error {
	name, version, target, err := d.extensionTarget(ctx, e)
	if err != nil {
		return err
	}
	c, err := d.server.Connect(ctx, "", d.db)
	if err != nil {
		return err
	}
	defer c.Close(ctx)
	if exists, err := extensionExists(ctx, c, name); exists || err != nil {
		return err // a migration that runs again finds the extension of its first run
	}
	availableVersion, err := findExtensionVersion(ctx, c, name, version)
	if err != nil {
		return err
	}
	tx, err := c.Begin(ctx)
	if err != nil {
		return err
	}
	defer func() { _ = tx.Rollback(ctx) }() // after a commit it does nothing
	// The migration's own transaction may hold a lock that this one needs.
	if _, err := tx.Exec(ctx, "SET LOCAL lock_timeout = '5s'; CREATE SCHEMA "+workshop); err != nil {
		return err
	}
	schemas, path, err := moveExtensionsToWorkshop(ctx, tx, availableVersion.needs)
	if err != nil {
		return err
	}
	sql := "CREATE EXTENSION " + quoteIdent(name) + " "
	switch {
	case availableVersion.movable:
		sql += "SCHEMA " + workshop
		schemas[name] = target
	case availableVersion.requiredSchema != nil && *availableVersion.requiredSchema != "":
		path = append(path, *availableVersion.requiredSchema)
	default:
		sql += "SCHEMA " + quoteIdent(target)
		path = append(path, target)
	}
	if version != "" {
		sql += " VERSION " + quoteIdent(version)
	}
	if foreign, err := hasForeignObjects(ctx, tx, append(path, workshop)); foreign || err != nil {
		return errors.Join(err, errNotOurs)
	}
	if _, err := tx.Exec(ctx, sql+" CASCADE"); err != nil {
		return err
	}
	if err := d.revokeExecute(ctx, tx, name); err != nil {
		return err
	}
	if err := moveExtensionsBack(ctx, tx, schemas, target); err != nil {
		return err
	}
	return tx.Commit(ctx)
}

func extensionExists(ctx context.Context, c *pgx.Conn, name string) (exists bool, err error) {
	err = c.QueryRow(ctx, "SELECT EXISTS (SELECT FROM pg_catalog.pg_extension WHERE extname OPERATOR(pg_catalog.=) $1)", name).Scan(&exists)
	return exists, err
}

// extensionVersion is what the server says about an available extension.
type extensionVersion struct {
	movable        bool
	requiredSchema *string // the schema that it requires
	needs          []string
}

func findExtensionVersion(ctx context.Context, c *pgx.Conn, name, version string) (e extensionVersion, err error) {
	err = c.QueryRow(ctx, `SELECT v.relocatable, v.schema, COALESCE(v.requires, '{}')::pg_catalog.text[] FROM pg_catalog.pg_available_extension_versions v
		JOIN pg_catalog.pg_available_extensions x ON x.name OPERATOR(pg_catalog.=) v.name
		WHERE v.name OPERATOR(pg_catalog.=) $1 AND v.version OPERATOR(pg_catalog.=) CASE WHEN $2::pg_catalog.text OPERATOR(pg_catalog.=) '' THEN x.default_version ELSE $2::pg_catalog.text END`, name, version).Scan(&e.movable, &e.requiredSchema, &e.needs)
	if errors.Is(err, pgx.ErrNoRows) {
		return e, errNotOurs
	}
	return e, err
}

// extensionTarget returns which extension a statement makes, and where.
func (d superuserHelper) extensionTarget(ctx context.Context, e *pgparse.CreateExtensionStmt) (name, version, target string, err error) {
	for _, o := range e.GetOptions() {
		value := o.GetDefElem().GetArg().GetString_().GetSval()
		switch o.GetDefElem().GetDefname() {
		case "schema":
			target = value
		case "new_version":
			version = value
		}
	}
	if target == "" {
		if target, err = d.schema(ctx); err != nil {
			return "", "", "", err
		}
	}
	// Other sessions do not see a schema yet that the migration has just made.
	var mayCreate bool
	for _, target = range []string{target, "public"} {
		err = d.catalogConn.QueryRow(ctx, "SELECT pg_catalog.has_schema_privilege($1::pg_catalog.name, oid, "+
			"'CREATE') FROM pg_catalog.pg_namespace WHERE nspname OPERATOR(pg_catalog.=) $2", roleName, target).Scan(&mayCreate)
		if !errors.Is(err, pgx.ErrNoRows) {
			break
		}
	}
	if errors.Is(err, pgx.ErrNoRows) || err == nil && !mayCreate {
		err = errNotOurs
	}
	return e.GetExtname(), version, target, err
}

// moveExtensionsToWorkshop moves the needed extensions that are installed into the workshop. It
// returns the schema that each of them had, and the schemas of those that cannot be moved.
func moveExtensionsToWorkshop(
	ctx context.Context, tx pgx.Tx, needs []string,
) (oldSchemas map[string]string, unmovable []string, err error) {
	rows, err := tx.Query(ctx, `SELECT extname::pg_catalog.text, n.nspname::pg_catalog.text, extrelocatable FROM pg_catalog.pg_extension x JOIN pg_catalog.pg_namespace n ON n.oid OPERATOR(pg_catalog.=) x.extnamespace
		WHERE extname OPERATOR(pg_catalog.=) ANY ($1) AND n.nspname OPERATOR(pg_catalog.<>) 'pg_catalog'`, needs)
	if err != nil {
		return nil, nil, err
	}
	oldSchemas = map[string]string{}
	var name, schema string
	var movable bool
	if _, err := pgx.ForEachRow(rows, []any{&name, &schema, &movable}, func() error {
		if movable {
			oldSchemas[name] = schema
		} else {
			unmovable = append(unmovable, schema)
		}
		return nil
	}); err != nil {
		return nil, nil, err
	}
	for name := range oldSchemas {
		if _, err := tx.Exec(ctx, "ALTER EXTENSION "+quoteIdent(name)+" SET SCHEMA "+workshop); err != nil {
			return nil, nil, err
		}
	}
	return oldSchemas, unmovable, nil
}

// hasForeignObjects reports whether a schema has functions or operators that belong to
// no extension, or that a role which is no superuser has added to one: members
// that came with the extension belong to a superuser.
func hasForeignObjects(ctx context.Context, tx pgx.Tx, schemas []string) (foreign bool, err error) {
	const in = `EXISTS (SELECT FROM pg_catalog.%s o JOIN pg_catalog.pg_namespace n ON n.oid OPERATOR(pg_catalog.=) o.%snamespace JOIN pg_catalog.pg_roles r ON r.oid OPERATOR(pg_catalog.=) o.%[2]sowner
		WHERE n.nspname OPERATOR(pg_catalog.=) ANY ($1) AND n.nspname OPERATOR(pg_catalog.<>) 'pg_catalog' AND (NOT r.rolsuper
			OR NOT EXISTS (SELECT FROM pg_catalog.pg_depend d WHERE d.objid OPERATOR(pg_catalog.=) o.oid AND d.deptype OPERATOR(pg_catalog.=) 'e' AND d.classid OPERATOR(pg_catalog.=) %[3]d::pg_catalog.oid)))`
	err = tx.QueryRow(ctx, "SELECT "+fmt.Sprintf(in, "pg_proc", "pro", 1255)+" OR "+fmt.Sprintf(in, "pg_operator", "opr", 2617), schemas).Scan(&foreign)
	return foreign, err
}

// revokeExecute revokes the right to call a guarded extension from everybody.
func (d superuserHelper) revokeExecute(ctx context.Context, tx pgx.Tx, name string) error {
	if !guardedExtensions[name] {
		return nil
	}
	// As regprocedure they would name types without their schemas.
	rows, _ := tx.Query(ctx, `SELECT pg_catalog.format('%I.%I(%s)', n.nspname, p.proname, (SELECT pg_catalog.string_agg(pg_catalog.format('%I.%I', s.nspname, t.typname), ', ' ORDER BY a.place)
			FROM pg_catalog.unnest(p.proargtypes::pg_catalog.oid[]) WITH ORDINALITY a (type, place) JOIN pg_catalog.pg_type t ON t.oid OPERATOR(pg_catalog.=) a.type JOIN pg_catalog.pg_namespace s ON s.oid OPERATOR(pg_catalog.=) t.typnamespace))
		FROM pg_catalog.pg_proc p JOIN pg_catalog.pg_namespace n ON n.oid OPERATOR(pg_catalog.=) p.pronamespace JOIN pg_catalog.pg_depend d ON d.objid OPERATOR(pg_catalog.=) p.oid JOIN pg_catalog.pg_extension x ON x.oid OPERATOR(pg_catalog.=) d.refobjid
		WHERE x.extname OPERATOR(pg_catalog.=) $1 AND d.classid OPERATOR(pg_catalog.=) 1255::pg_catalog.oid AND d.deptype OPERATOR(pg_catalog.=) 'e'`, name)
	functions, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		return err
	}
	for _, f := range functions {
		if _, err := tx.Exec(ctx, "REVOKE EXECUTE ON ROUTINE "+f+" FROM PUBLIC"); err != nil {
			return err
		}
	}
	return nil
}

// moveExtensionsBack moves each extension in the workshop to its schema, and drops the workshop. An extension that CASCADE
// installed has none yet: it goes to target, where the extension that needs it is.
func moveExtensionsBack(ctx context.Context, tx pgx.Tx, schemas map[string]string, target string) error {
	rows, _ := tx.Query(ctx, `SELECT extname::pg_catalog.text FROM pg_catalog.pg_extension x JOIN pg_catalog.pg_namespace n ON n.oid OPERATOR(pg_catalog.=) x.extnamespace WHERE n.nspname OPERATOR(pg_catalog.=) $1 ORDER BY x.oid`, workshop)
	movedNames, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		return err
	}
	slices.Reverse(movedNames)
	for _, name := range movedNames {
		schema, ok := schemas[name]
		if !ok {
			schema = target
		}
		if _, err := tx.Exec(ctx, "ALTER EXTENSION "+quoteIdent(name)+" SET SCHEMA "+quoteIdent(schema)); err != nil {
			return err
		}
	}
	_, err = tx.Exec(ctx, "DROP SCHEMA "+workshop)
	return err
}

func quoteIdent(name string) string { return pgx.Identifier{name}.Sanitize() }
