package rehearse

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5"

	"github.com/onward-sql/onward/internal/pgparse"
	"github.com/onward-sql/onward/internal/pgserver"
	"github.com/onward-sql/onward/internal/script"
)

// supplier creates objects that migrations presuppose and do not make: in production
// they come from the container, the platform or the connection. It adds a note about
// each.
type supplier struct {
	*version
	server *pgserver.Server
	db     string
	note   func(string)
}

// supplyObject creates the object that a statement lacks; done is false if onward does not
// know how.
func (s supplier) supplyObject(ctx context.Context, l missingObject, location string) (done bool, err error) {
	if ext := l.extensionName(); ext != "" {
		return s.supplyExtension(ctx, ext, l, location)
	}
	if ext := foreignTypes[l.name]; ext != "" && l.kind == "type" && s.Server == "" {
		return s.createSubstituteType(ctx, ext, l)
	}
	return false, nil
}

// supplyExtension creates an extension that is available on the server.
func (s supplier) supplyExtension(ctx context.Context, name string, l missingObject, location string) (done bool, err error) {
	look, err := s.server.Connect(ctx, lookName, s.db)
	if err != nil {
		return false, err
	}
	defer look.Close(ctx)
	if exists, err := extensionExists(ctx, look, name); exists || err != nil {
		return false, err // in a schema outside of its users' search_path
	}
	sql := "CREATE EXTENSION " + quoteIdent(name)
	if l.schema != "" {
		sql += " SCHEMA " + quoteIdent(l.schema)
	}
	f, err := pgparse.SplitText(sql)
	if err != nil {
		return false, err
	}
	d := superuserHelper{
		version: s.version, server: s.server, db: s.db, catalogConn: look, note: s.note, mayCreate: func(name string) bool { return harmlessExtensions[name] },
		schema: func(context.Context) (string, error) { return "public", nil },
	}
	if done, err = d.runForRole(ctx, f.Stmts[0].Node); err != nil {
		return false, err
	}
	if !done {
		if err := s.execAsMigrationRole(ctx, s.server, s.db, sql); isStatementFailure(err) {
			return false, nil
		} else if err != nil {
			return false, err
		}
	}
	s.note(fmt.Sprintf("the extension %s was made: no migration does, and %s uses what it brings", name, location))
	return true, nil
}

// createSubstituteType creates a type that replaces one whose extension is not available. It
// accepts any text and any modifier, but has none of the extension's functions.
//
// All of its text is onward's own except the schema's name. It uses only the server's
// own functions for text.
func (s supplier) createSubstituteType(ctx context.Context, extension string, l missingObject) (done bool, err error) {
	schema := l.schema
	if schema == "" {
		schema = "public"
	}
	name := func(suffix string) string { return pgx.Identifier{schema, l.name + suffix}.Sanitize() }
	const how = " LANGUAGE internal IMMUTABLE STRICT PARALLEL SAFE AS "
	err = execAll(ctx, s.server, s.db, "BEGIN", "CREATE TYPE "+name(""),
		"CREATE FUNCTION "+name("_in")+"(pg_catalog.cstring) RETURNS "+name("")+how+"'textin'",
		"CREATE FUNCTION "+name("_out")+"("+name("")+") RETURNS pg_catalog.cstring"+how+"'textout'",
		// A function from a list of texts to a number: the number of dimensions of the
		// list.
		"CREATE FUNCTION "+name("_typmod_in")+"(pg_catalog.cstring[]) RETURNS pg_catalog.int4"+how+"'array_ndims'",
		"CREATE TYPE "+name("")+" (INPUT = "+name("_in")+", OUTPUT = "+name("_out")+", TYPMOD_IN = "+name("_typmod_in")+
			", INTERNALLENGTH = VARIABLE, STORAGE = extended)",
		"ALTER TYPE "+name("")+" OWNER TO "+roleName, "COMMIT")
	if isStatementFailure(err) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	s.base.addAbsentExtension(extension)
	s.note(fmt.Sprintf("the extension %s is not installed with this server: its type %s is a substitute that takes any text", extension, l.name))
	return true, nil
}

// addAbsentExtension records an extension that is not available.
func (b *base) addAbsentExtension(extension string) {
	if !slices.Contains(b.Absent, extension) {
		b.Absent = append(b.Absent, extension)
	}
}

// skipIfUnavailable skips a statement that needs something unavailable: an extension that is not
// installed, or an object of a skipped statement.
func (v *version) skipIfUnavailable(st *script.Statement, l missingObject) bool {
	if len(v.base.Absent) == 0 || !l.mayBeInExtension() && !slices.Contains(v.base.Lost, l.name) || v.skip[st] {
		return false
	}
	if v.skip == nil {
		v.skip = map[*script.Statement]bool{}
	}
	v.skip[st] = true
	for _, name := range definedNames(st.Node) {
		if !slices.Contains(v.base.Lost, name) {
			v.base.Lost = append(v.base.Lost, name)
		}
	}
	return true
}

// resolveMissing creates what the release needed and did not find, or skips a statement that
// needs something unavailable. needsRerun: the release must begin again.
func (v *version) resolveMissing(ctx context.Context, db string, step *step, stop *migrationFailure) (needsRerun bool, err error) {
	if role := stop.neededRole(v.roles); role != "" && v.Server == "" {
		if err := v.makeRole(ctx, v.server, role); !isStatementFailure(err) {
			return true, err
		} // else it cannot be created
	}
	if ddl := stop.historyTableDDL(step.Migration); ddl != "" && v.Server == "" && !slices.Contains(v.bookkeepingDDL, ddl) {
		v.bookkeepingDDL = append(v.bookkeepingDDL, ddl)
		return true, nil
	}
	return v.supplyReleaseObject(ctx, db, step, stop)
}

// supplyReleaseObject creates what one of the release's statements lacks, or skips the
// statement. The release then begins again.
func (v *version) supplyReleaseObject(ctx context.Context, db string, step *step, stop *migrationFailure) (needsRerun bool, err error) {
	if stop == nil || stop.statement == nil {
		return false, nil
	}
	l, ok := parseMissingObject(stop.err)
	if !ok {
		return false, nil
	}
	location := fmt.Sprintf("%s:%d", step.Path, stop.statement.Line)
	note := func(text string) {
		if !slices.Contains(v.supplyNotes, text) {
			v.supplyNotes = append(v.supplyNotes, text)
		}
	}
	if !slices.Contains(v.supplies, l) {
		done, err := supplier{version: v, server: v.server, db: db, note: note}.supplyObject(ctx, l, location)
		if err != nil {
			return false, err
		}
		if done {
			v.supplies = append(v.supplies, l)
			return true, nil
		}
	}
	if !v.skipIfUnavailable(stop.statement, l) {
		return false, nil
	}
	note(fmt.Sprintf("%s was not rehearsed: it needs %s, which cannot be had", location, strings.Join(v.base.Absent, " or ")))
	return true, nil
}

// qualifyModelNames makes the base's unqualified names known to the model, by the base's
// search_path. Without a path, the model looks into public.
func (s *releaseRun) qualifyModelNames() {
	if s.base.SearchPath == "" {
		return
	}
	knownNames, full := map[string]bool{}, map[string][]string{}
	for _, r := range s.rels {
		knownNames[r.Name] = true
		_, name, _ := strings.Cut(r.Name, ".")
		full[name] = append(full[name], r.Name)
	}
	for i := range s.model.Migrations {
		for j := range s.model.Migrations[i].Statements {
			effects := s.model.Migrations[i].Statements[j].Effects
			for k := range effects {
				name, public := strings.CutPrefix(effects[k].Relation, "public.")
				if public && !knownNames[effects[k].Relation] && len(full[name]) == 1 {
					effects[k].Relation = full[name][0]
				}
			}
		}
	}
}

// repeatSupplies creates in a new copy of the base what was created for the release before.
func (v *version) repeatSupplies(ctx context.Context, s *pgserver.Server, db string) error {
	for _, l := range v.supplies {
		if _, err := (supplier{version: v, server: s, db: db, note: func(string) {}}).supplyObject(ctx, l, ""); err != nil {
			return err
		}
	}
	return nil
}

// definedNames returns the names of the objects that a statement would have made.
func definedNames(n *pgparse.Node) []string {
	var out []string
	if name := createdName(n); name != "" {
		out = append(out, name)
	}
	if c := n.GetCreateStmt(); c != nil {
		out = append(out, c.GetRelation().GetRelname())
	}
	for _, c := range n.GetAlterTableStmt().GetCmds() {
		cmd := c.GetAlterTableCmd()
		for _, name := range []string{cmd.GetName(), cmd.GetDef().GetColumnDef().GetColname(), cmd.GetDef().GetConstraint().GetConname()} {
			if name != "" {
				out = append(out, name)
			}
		}
	}
	return out
}

// supplyBaseObject creates what one of the base's statements lacks, or skips the statement.
func (h *baseBuilder) supplyBaseObject(ctx context.Context, location string, stop *migrationFailure) (done bool, err error) {
	if name := forbiddenExtension(stop); name != "" {
		h.base.addAbsentExtension(name)
		h.addBaseNote("the extension " + name + " was left out, as only a superuser may make it; --superuser does")
		return h.skipIfUnavailable(stop.statement, missingObject{kind: "extension", name: name}), nil
	}
	l, ok := parseMissingObject(stop.err)
	if !ok || h.Server != "" && l.kind == "schema" {
		return false, nil
	}
	if !h.tried[l] {
		if h.tried == nil {
			h.tried = map[missingObject]bool{}
		}
		h.tried[l] = true
		switch {
		case l.kind == "schema":
			done, err = h.makeSchema(ctx, l.name)
		case l.schema == "":
			done, err = h.addToSearchPath(ctx, location, l)
		}
		if done || err != nil {
			return done, err
		}
		if done, err := h.newSupplier().supplyObject(ctx, l, location); done || err != nil {
			return done, err
		}
	}
	if h.skipIfUnavailable(stop.statement, l) {
		h.skippedPlaces = append(h.skippedPlaces, location)
		return true, nil
	}
	return false, nil
}

// forbiddenExtension returns the extension that a statement may not create; "" for
// none.
func forbiddenExtension(stop *migrationFailure) string {
	if !hasSQLState(stop.err, "42501") {
		return ""
	}
	return stop.statement.Node.GetCreateExtensionStmt().GetExtname()
}

func (h *baseBuilder) newSupplier() supplier {
	return supplier{version: h.version, server: h.server, db: h.base.database, note: h.addBaseNote}
}

func (h *baseBuilder) makeSchema(ctx context.Context, name string) (bool, error) {
	if err := h.execAsMigrationRole(ctx, h.server, h.base.database, "CREATE SCHEMA "+quoteIdent(name)); isStatementFailure(err) {
		return false, nil
	} else if err != nil {
		return false, err
	}
	h.addBaseNote("the schema " + name + " was made: the migrations of the base use it, and none makes it")
	return true, nil
}

// where returns the schemas that have a relation, type or function with a name.
const where = `SELECT n.nspname::pg_catalog.text FROM pg_catalog.pg_namespace n WHERE n.nspname OPERATOR(pg_catalog.!~) '^pg_' AND n.nspname OPERATOR(pg_catalog.<>) 'information_schema' AND (
	$1::pg_catalog.text OPERATOR(pg_catalog.=) 'relation' AND EXISTS (SELECT FROM pg_catalog.pg_class c WHERE c.relnamespace OPERATOR(pg_catalog.=) n.oid AND c.relname OPERATOR(pg_catalog.=) $2)
	OR $1::pg_catalog.text OPERATOR(pg_catalog.=) 'type' AND EXISTS (SELECT FROM pg_catalog.pg_type t WHERE t.typnamespace OPERATOR(pg_catalog.=) n.oid AND t.typname OPERATOR(pg_catalog.=) $2)
	OR $1::pg_catalog.text OPERATOR(pg_catalog.=) 'operator class' AND EXISTS (SELECT FROM pg_catalog.pg_opclass o WHERE o.opcnamespace OPERATOR(pg_catalog.=) n.oid AND o.opcname OPERATOR(pg_catalog.=) $2)
	OR $1::pg_catalog.text OPERATOR(pg_catalog.=) 'function' AND EXISTS (SELECT FROM pg_catalog.pg_proc p WHERE p.pronamespace OPERATOR(pg_catalog.=) n.oid AND p.proname OPERATOR(pg_catalog.=) $2)) ORDER BY 1`

// qualifiedRelations returns the schemas in which a script makes relations, by their names.
func qualifiedRelations(sc *script.Script) map[string][]string {
	out := map[string][]string{}
	for _, s := range sc.Statements {
		var rv *pgparse.RangeVar
		switch x := pgparse.Unwrap(s.Node).(type) {
		case *pgparse.CreateStmt:
			rv = x.GetRelation()
		case *pgparse.ViewStmt:
			rv = x.GetView()
		case *pgparse.CreateTableAsStmt:
			rv = x.GetInto().GetRel()
		case *pgparse.CreateSeqStmt:
			rv = x.GetSequence()
		}
		if schema := rv.GetSchemaname(); schema != "" && !slices.Contains(out[rv.GetRelname()], schema) {
			out[rv.GetRelname()] = append(out[rv.GetRelname()], schema)
		}
	}
	return out
}

// addToSearchPath adds the one schema that has the object of an unqualified name to the
// search_path, as the connection in production must do.
func (h *baseBuilder) addToSearchPath(ctx context.Context, location string, l missingObject) (bool, error) {
	rows, _ := h.runner.catalogConn.Query(ctx, where, l.kind, l.name)
	schemas, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		return false, err
	}
	if l.kind == "relation" {
		// Objects that the failed transaction had made are gone, but existed.
		for _, schema := range h.relations[l.name] {
			if !slices.Contains(schemas, schema) {
				schemas = append(schemas, schema)
			}
		}
	}
	if len(schemas) != 1 || h.runner.conn.IsClosed() {
		return false, nil
	}
	var path string
	if err := h.runner.conn.QueryRow(ctx, "SELECT pg_catalog.set_config('search_path', pg_catalog.concat_ws(', ', "+
		"NULLIF(pg_catalog.current_setting('search_path'), ''), $1::pg_catalog.text), false)", anyhow, quoteIdent(schemas[0])).Scan(&path); err != nil {
		return false, err
	}
	h.base.SearchPath = path
	h.addBaseNote(fmt.Sprintf("search_path was set to %s, as the connection of production must have it: %s uses %s, which the schema %s alone has", path, location,
		l.name, schemas[0]))
	return true, nil
}
