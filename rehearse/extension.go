package rehearse

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/jackc/pgx/v5"

	"github.com/onward-sql/onward/internal/pgparse"
)

// harmless are extensions that only a superuser may create and that open no way
// out of the database. Trusted ones need no help
// (https://www.postgresql.org/docs/current/contrib.html).
var harmless = map[string]bool{
	"pg_stat_statements": true, "postgis": true, "postgis_topology": true, "postgis_raster": true, "postgis_tiger_geocoder": true,
	"timescaledb": true, "pgaudit": true, "pg_partman": true, "pgrouting": true, "earthdistance": true, "vector": true, "pg_repack": true,
	"pgstattuple": true, "amcheck": true, "bloom": true, "pg_buffercache": true, "pg_prewarm": true, "xml2": true,
}

// guarded are others that a dump may bring: what they open is closed to who is
// no superuser, by themselves or by taking the right to call them from everybody.
var guarded = map[string]bool{
	"dblink": true, "file_fdw": true, "postgres_fdw": true, "pageinspect": true, "pg_freespacemap": true, "pg_visibility": true, "pgrowlocks": true,
	"sslinfo": true, "pg_walinspect": true, "pg_surgery": true, "adminpack": true, "intagg": true, "old_snapshot": true,
}

// errNotOurs: the extension is left to the role's own attempt.
var errNotOurs = errors.New("not made in the role's place")

// workshop is the schema in which extensions are made: nobody else has anything
// there.
const workshop = "onward_extension"

// extend makes an extension as a superuser.
//
// The script of an extension finds the operators and functions that it calls on
// a path: the extension's own schema, and those of the extensions that it needs.
// What a migration has made there could be called instead of the server's, by a
// superuser. So an extension is made in a schema that is empty but for what it
// needs, and moved from there; one that cannot be moved is made only where the
// path has no functions and operators but those of extensions.
func (d deputy) extend(ctx context.Context, e *pgparse.CreateExtensionStmt) error {
	name, version, target, err := d.wanted(ctx, e)
	if err != nil {
		return err
	}
	c, err := d.server.Connect(ctx, "", d.db)
	if err != nil {
		return err
	}
	defer c.Close(ctx)
	if there, err := made(ctx, c, name); there || err != nil {
		return err // a migration that is run once more finds what it made the first time
	}
	has, err := available(ctx, c, name, version)
	if err != nil {
		return err
	}
	tx, err := c.Begin(ctx)
	if err != nil {
		return err
	}
	defer func() { _ = tx.Rollback(ctx) }() // after a commit it does nothing
	// The migration's own transaction may hold what this one needs.
	if _, err := tx.Exec(ctx, "SET LOCAL lock_timeout = '5s'; CREATE SCHEMA "+workshop); err != nil {
		return err
	}
	back, path, err := borrow(ctx, tx, has.needs)
	if err != nil {
		return err
	}
	sql := "CREATE EXTENSION " + ident(name) + " "
	switch {
	case has.movable:
		sql += "SCHEMA " + workshop
		back[name] = target
	case has.fixed != nil && *has.fixed != "":
		path = append(path, *has.fixed)
	default:
		sql += "SCHEMA " + ident(target)
		path = append(path, target)
	}
	if version != "" {
		sql += " VERSION " + ident(version)
	}
	if foreign, err := inhabited(ctx, tx, append(path, workshop)); foreign || err != nil {
		return errors.Join(err, errNotOurs)
	}
	if _, err := tx.Exec(ctx, sql+" CASCADE"); err != nil {
		return err
	}
	if err := d.close(ctx, tx, name); err != nil {
		return err
	}
	if err := giveBack(ctx, tx, back, target); err != nil {
		return err
	}
	return tx.Commit(ctx)
}

func made(ctx context.Context, c *pgx.Conn, name string) (there bool, err error) {
	err = c.QueryRow(ctx, "SELECT EXISTS (SELECT FROM pg_catalog.pg_extension WHERE extname OPERATOR(pg_catalog.=) $1)", name).Scan(&there)
	return there, err
}

// offered is what the server says of an extension that it could make.
type offered struct {
	movable bool
	fixed   *string // the schema that it insists on
	needs   []string
}

func available(ctx context.Context, c *pgx.Conn, name, version string) (e offered, err error) {
	err = c.QueryRow(ctx, `SELECT v.relocatable, v.schema, COALESCE(v.requires, '{}')::pg_catalog.text[] FROM pg_catalog.pg_available_extension_versions v
		JOIN pg_catalog.pg_available_extensions x ON x.name OPERATOR(pg_catalog.=) v.name
		WHERE v.name OPERATOR(pg_catalog.=) $1 AND v.version OPERATOR(pg_catalog.=) CASE WHEN $2::pg_catalog.text OPERATOR(pg_catalog.=) '' THEN x.default_version ELSE $2::pg_catalog.text END`, name, version).Scan(&e.movable, &e.fixed, &e.needs)
	if errors.Is(err, pgx.ErrNoRows) {
		return e, errNotOurs
	}
	return e, err
}

// wanted is which extension a statement makes, and where.
func (d deputy) wanted(ctx context.Context, e *pgparse.CreateExtensionStmt) (name, version, target string, err error) {
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
	// A schema that the migration has just made is not there for others yet.
	var may bool
	for _, target = range []string{target, "public"} {
		err = d.look.QueryRow(ctx, "SELECT pg_catalog.has_schema_privilege($1::pg_catalog.name, oid, 'CREATE') FROM pg_catalog.pg_namespace WHERE nspname OPERATOR(pg_catalog.=) $2", roleName, target).Scan(&may)
		if !errors.Is(err, pgx.ErrNoRows) {
			break
		}
	}
	if errors.Is(err, pgx.ErrNoRows) || err == nil && !may {
		err = errNotOurs
	}
	return e.GetExtname(), version, target, err
}

// borrow brings the extensions that are needed and there into the workshop. It
// tells where they belong, and the schemas of those that cannot be moved.
func borrow(ctx context.Context, tx pgx.Tx, needs []string) (back map[string]string, path []string, err error) {
	rows, err := tx.Query(ctx, `SELECT extname::pg_catalog.text, n.nspname::pg_catalog.text, extrelocatable FROM pg_catalog.pg_extension x JOIN pg_catalog.pg_namespace n ON n.oid OPERATOR(pg_catalog.=) x.extnamespace
		WHERE extname OPERATOR(pg_catalog.=) ANY ($1) AND n.nspname OPERATOR(pg_catalog.<>) 'pg_catalog'`, needs)
	if err != nil {
		return nil, nil, err
	}
	back = map[string]string{}
	var name, schema string
	var movable bool
	if _, err := pgx.ForEachRow(rows, []any{&name, &schema, &movable}, func() error {
		if movable {
			back[name] = schema
		} else {
			path = append(path, schema)
		}
		return nil
	}); err != nil {
		return nil, nil, err
	}
	for name := range back {
		if _, err := tx.Exec(ctx, "ALTER EXTENSION "+ident(name)+" SET SCHEMA "+workshop); err != nil {
			return nil, nil, err
		}
	}
	return back, path, nil
}

// inhabited reports whether a schema has functions or operators that are no
// extension's, or that somebody has made a member of one: what came with it is a
// superuser's.
func inhabited(ctx context.Context, tx pgx.Tx, schemas []string) (foreign bool, err error) {
	const in = `EXISTS (SELECT FROM pg_catalog.%s o JOIN pg_catalog.pg_namespace n ON n.oid OPERATOR(pg_catalog.=) o.%snamespace JOIN pg_catalog.pg_roles r ON r.oid OPERATOR(pg_catalog.=) o.%[2]sowner
		WHERE n.nspname OPERATOR(pg_catalog.=) ANY ($1) AND n.nspname OPERATOR(pg_catalog.<>) 'pg_catalog' AND (NOT r.rolsuper
			OR NOT EXISTS (SELECT FROM pg_catalog.pg_depend d WHERE d.objid OPERATOR(pg_catalog.=) o.oid AND d.deptype OPERATOR(pg_catalog.=) 'e' AND d.classid OPERATOR(pg_catalog.=) %[3]d::pg_catalog.oid)))`
	err = tx.QueryRow(ctx, "SELECT "+fmt.Sprintf(in, "pg_proc", "pro", 1255)+" OR "+fmt.Sprintf(in, "pg_operator", "opr", 2617), schemas).Scan(&foreign)
	return foreign, err
}

// close takes the right to call a guarded extension from everybody.
func (d deputy) close(ctx context.Context, tx pgx.Tx, name string) error {
	if !guarded[name] {
		return nil
	}
	// As regprocedure they would say types without their schemas.
	rows, err := tx.Query(ctx, `SELECT pg_catalog.format('%I.%I(%s)', n.nspname, p.proname, (SELECT pg_catalog.string_agg(pg_catalog.format('%I.%I', s.nspname, t.typname), ', ' ORDER BY a.place)
			FROM pg_catalog.unnest(p.proargtypes::pg_catalog.oid[]) WITH ORDINALITY a (type, place) JOIN pg_catalog.pg_type t ON t.oid OPERATOR(pg_catalog.=) a.type JOIN pg_catalog.pg_namespace s ON s.oid OPERATOR(pg_catalog.=) t.typnamespace))
		FROM pg_catalog.pg_proc p JOIN pg_catalog.pg_namespace n ON n.oid OPERATOR(pg_catalog.=) p.pronamespace JOIN pg_catalog.pg_depend d ON d.objid OPERATOR(pg_catalog.=) p.oid JOIN pg_catalog.pg_extension x ON x.oid OPERATOR(pg_catalog.=) d.refobjid
		WHERE x.extname OPERATOR(pg_catalog.=) $1 AND d.classid OPERATOR(pg_catalog.=) 1255::pg_catalog.oid AND d.deptype OPERATOR(pg_catalog.=) 'e'`, name)
	if err != nil {
		return err
	}
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

// giveBack moves what is in the workshop to where it belongs: what came with an
// extension belongs where that does.
func giveBack(ctx context.Context, tx pgx.Tx, back map[string]string, target string) error {
	rows, err := tx.Query(ctx, `SELECT extname::pg_catalog.text FROM pg_catalog.pg_extension x JOIN pg_catalog.pg_namespace n ON n.oid OPERATOR(pg_catalog.=) x.extnamespace WHERE n.nspname OPERATOR(pg_catalog.=) $1 ORDER BY x.oid`, workshop)
	if err != nil {
		return err
	}
	made, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		return err
	}
	slices.Reverse(made)
	for _, name := range made {
		schema, ok := back[name]
		if !ok {
			schema = target
		}
		if _, err := tx.Exec(ctx, "ALTER EXTENSION "+ident(name)+" SET SCHEMA "+ident(schema)); err != nil {
			return err
		}
	}
	_, err = tx.Exec(ctx, "DROP SCHEMA "+workshop)
	return err
}

func ident(name string) string { return pgx.Identifier{name}.Sanitize() }
