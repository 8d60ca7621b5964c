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

// supplier gives a database what its migrations take for granted: what the
// container, the platform or the connection of production brings, and no migration
// makes. Everything that it does is said in a note.
type supplier struct {
	*version
	server *pgserver.Server
	db     string
	note   func(string)
}

// supply makes what a statement lacks; done is false where that is not known.
func (s supplier) supply(ctx context.Context, l lack, by string) (done bool, err error) {
	if ext := l.extension(); ext != "" {
		return s.extension(ctx, ext, l, by)
	}
	if ext := foreignTypes[l.name]; ext != "" && l.kind == "type" && s.Server == "" {
		return s.standIn(ctx, ext, l)
	}
	return false, nil
}

// extension makes an extension that the server has beside it.
func (s supplier) extension(ctx context.Context, name string, l lack, by string) (done bool, err error) {
	look, err := s.server.Connect(ctx, lookName, s.db)
	if err != nil {
		return false, err
	}
	defer look.Close(ctx)
	if there, err := made(ctx, look, name); there || err != nil {
		return false, err // in a schema that its users do not look into
	}
	sql := "CREATE EXTENSION " + ident(name)
	if l.schema != "" {
		sql += " SCHEMA " + ident(l.schema)
	}
	f, err := pgparse.Split(sql)
	if err != nil {
		return false, err
	}
	d := deputy{
		version: s.version, server: s.server, db: s.db, look: look, note: s.note, may: func(name string) bool { return harmless[name] },
		schema: func(context.Context) (string, error) { return "public", nil },
	}
	if done, err = d.instead(ctx, f.Stmts[0].Node); err != nil {
		return false, err
	}
	if !done {
		if err := s.asMigrations(ctx, s.server, s.db, sql); servers(err) {
			return false, nil
		} else if err != nil {
			return false, err
		}
	}
	s.note(fmt.Sprintf("the extension %s was made: no migration does, and %s uses what it brings", name, by))
	return true, nil
}

// standIn makes a type in the place of one whose extension cannot be had. It takes
// any text, and any modifier; what the extension does with it is not there.
//
// Every word of it is ours but for the schema's name: what runs is the server's own
// functions for text.
func (s supplier) standIn(ctx context.Context, extension string, l lack) (done bool, err error) {
	schema := l.schema
	if schema == "" {
		schema = "public"
	}
	name := func(suffix string) string { return pgx.Identifier{schema, l.name + suffix}.Sanitize() }
	const how = " LANGUAGE internal IMMUTABLE STRICT PARALLEL SAFE AS "
	err = execAll(ctx, s.server, "", s.db, "BEGIN", "CREATE TYPE "+name(""),
		"CREATE FUNCTION "+name("_in")+"(pg_catalog.cstring) RETURNS "+name("")+how+"'textin'",
		"CREATE FUNCTION "+name("_out")+"("+name("")+") RETURNS pg_catalog.cstring"+how+"'textout'",
		// One that takes a list of words and gives a number: how many dimensions the list has.
		"CREATE FUNCTION "+name("_typmod_in")+"(pg_catalog.cstring[]) RETURNS pg_catalog.int4"+how+"'array_ndims'",
		"CREATE TYPE "+name("")+" (INPUT = "+name("_in")+", OUTPUT = "+name("_out")+", TYPMOD_IN = "+name("_typmod_in")+", INTERNALLENGTH = VARIABLE, STORAGE = extended)",
		"ALTER TYPE "+name("")+" OWNER TO "+roleName, "COMMIT")
	if servers(err) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	s.base.absent(extension)
	s.note(fmt.Sprintf("the extension %s is not installed beside this server: its type %s is a stand-in that takes any text", extension, l.name))
	return true, nil
}

// absent notes an extension that cannot be had.
func (b *base) absent(extension string) {
	if !slices.Contains(b.Absent, extension) {
		b.Absent = append(b.Absent, extension)
	}
}

// without leaves a statement out that needs what cannot be had: of an extension that
// is not installed, or of a statement that was left out for it.
func (v *version) without(st *script.Statement, l lack) bool {
	if len(v.base.Absent) == 0 || !l.ofExtensions() && !l.lost(v.base.Lost) || v.skip[st] {
		return false
	}
	if v.skip == nil {
		v.skip = map[*script.Statement]bool{}
	}
	v.skip[st] = true
	for _, name := range defines(st.Node) {
		if !slices.Contains(v.base.Lost, name) {
			v.base.Lost = append(v.base.Lost, name)
		}
	}
	return true
}

// missing makes what the release needed and did not find, or leaves out what needs
// what cannot be had. again: it must begin anew.
func (v *version) missing(ctx context.Context, db string, step *step, stop *stopped) (again bool, err error) {
	if role := stop.role(v.roles); role != "" && v.Server == "" {
		if err := v.makeRole(ctx, v.server, role); !servers(err) {
			return true, err
		} // else it cannot be made
	}
	if ddl := stop.bookkeeper(); ddl != "" && v.Server == "" && !slices.Contains(v.books, ddl) {
		v.books = append(v.books, ddl)
		return true, nil
	}
	return v.supplyRelease(ctx, db, step, stop)
}

// supplyRelease gives the release what one of its statements lacks, or leaves the
// statement out; the release begins anew then.
func (v *version) supplyRelease(ctx context.Context, db string, step *step, stop *stopped) (again bool, err error) {
	if stop == nil || stop.statement == nil {
		return false, nil
	}
	l, ok := lacking(stop.err)
	if !ok {
		return false, nil
	}
	at := fmt.Sprintf("%s:%d", step.Path, stop.statement.Line)
	note := func(text string) {
		if !slices.Contains(v.given, text) {
			v.given = append(v.given, text)
		}
	}
	if !slices.Contains(v.supplies, l) {
		done, err := supplier{version: v, server: v.server, db: db, note: note}.supply(ctx, l, at)
		if err != nil {
			return false, err
		}
		if done {
			v.supplies = append(v.supplies, l)
			return true, nil
		}
	}
	if !v.without(stop.statement, l) {
		return false, nil
	}
	note(fmt.Sprintf("%s was not rehearsed: it needs %s, which cannot be had", at, strings.Join(v.base.Absent, " or ")))
	return true, nil
}

// meant puts the names into the model that the search_path of the base gives them:
// the model looks into public, where it is told of no other path.
func (s *scene) meant() {
	if s.base.SearchPath == "" {
		return
	}
	there, full := map[string]bool{}, map[string][]string{}
	for _, r := range s.rels {
		there[r.Name] = true
		_, name, _ := strings.Cut(r.Name, ".")
		full[name] = append(full[name], r.Name)
	}
	for i := range s.model.Migrations {
		for j := range s.model.Migrations[i].Statements {
			effects := s.model.Migrations[i].Statements[j].Effects
			for k := range effects {
				name, public := strings.CutPrefix(effects[k].Relation, "public.")
				if public && !there[effects[k].Relation] && len(full[name]) == 1 {
					effects[k].Relation = full[name][0]
				}
			}
		}
	}
}

// resupply gives a new copy of the base what the release was given before.
func (v *version) resupply(ctx context.Context, s *pgserver.Server, db string) error {
	for _, l := range v.supplies {
		if _, err := (supplier{version: v, server: s, db: db, note: func(string) {}}).supply(ctx, l, ""); err != nil {
			return err
		}
	}
	return nil
}

// defines are the names of what a statement would have made.
func defines(n *pgparse.Node) []string {
	var out []string
	if name := names(n); name != "" {
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

// supplyBase gives the base what one of its statements lacks, or leaves the
// statement out.
func (h *history) supplyBase(ctx context.Context, at string, stop *stopped) (done bool, err error) {
	if name := forbiddenExtension(stop); name != "" {
		h.base.absent(name)
		h.note("the extension " + name + " was left out, as only a superuser may make it; --superuser does")
		return h.without(stop.statement, lack{kind: "extension", name: name}), nil
	}
	l, ok := lacking(stop.err)
	if !ok || h.Server != "" && l.kind == "schema" {
		return false, nil
	}
	if !h.tried[l] {
		if h.tried == nil {
			h.tried = map[lack]bool{}
		}
		h.tried[l] = true
		switch {
		case l.kind == "schema":
			done, err = h.makeSchema(ctx, l.name)
		case l.schema == "":
			done, err = h.onPath(ctx, at, l)
		}
		if done || err != nil {
			return done, err
		}
		if done, err := h.supplier().supply(ctx, l, at); done || err != nil {
			return done, err
		}
	}
	if h.without(stop.statement, l) {
		h.lost = append(h.lost, at)
		return true, nil
	}
	return false, nil
}

// forbiddenExtension is the extension that a statement makes and may not; "" for none.
func forbiddenExtension(stop *stopped) string {
	if !refusedWith(stop.err, "42501") {
		return ""
	}
	return stop.statement.Node.GetCreateExtensionStmt().GetExtname()
}

func (h *history) supplier() supplier {
	return supplier{version: h.version, server: h.server, db: h.base.database, note: h.note}
}

func (h *history) makeSchema(ctx context.Context, name string) (bool, error) {
	if err := h.asMigrations(ctx, h.server, h.base.database, "CREATE SCHEMA "+ident(name)); servers(err) {
		return false, nil
	} else if err != nil {
		return false, err
	}
	h.note("the schema " + name + " was made: the migrations of the base use it, and none makes it")
	return true, nil
}

// where asks in which schemas there is a relation, type or function of a name.
const where = `SELECT n.nspname::pg_catalog.text FROM pg_catalog.pg_namespace n WHERE n.nspname OPERATOR(pg_catalog.!~) '^pg_' AND n.nspname OPERATOR(pg_catalog.<>) 'information_schema' AND (
	$1::pg_catalog.text OPERATOR(pg_catalog.=) 'relation' AND EXISTS (SELECT FROM pg_catalog.pg_class c WHERE c.relnamespace OPERATOR(pg_catalog.=) n.oid AND c.relname OPERATOR(pg_catalog.=) $2)
	OR $1::pg_catalog.text OPERATOR(pg_catalog.=) 'type' AND EXISTS (SELECT FROM pg_catalog.pg_type t WHERE t.typnamespace OPERATOR(pg_catalog.=) n.oid AND t.typname OPERATOR(pg_catalog.=) $2)
	OR $1::pg_catalog.text OPERATOR(pg_catalog.=) 'operator class' AND EXISTS (SELECT FROM pg_catalog.pg_opclass o WHERE o.opcnamespace OPERATOR(pg_catalog.=) n.oid AND o.opcname OPERATOR(pg_catalog.=) $2)
	OR $1::pg_catalog.text OPERATOR(pg_catalog.=) 'function' AND EXISTS (SELECT FROM pg_catalog.pg_proc p WHERE p.pronamespace OPERATOR(pg_catalog.=) n.oid AND p.proname OPERATOR(pg_catalog.=) $2)) ORDER BY 1`

// qualified are the schemas in which a script makes relations, by their names.
func qualified(sc *script.Script) map[string][]string {
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

// onPath adds the one schema that has what an unqualified name means to the
// search_path, as the connection of production must have it.
func (h *history) onPath(ctx context.Context, at string, l lack) (bool, error) {
	rows, err := h.runner.look.Query(ctx, where, l.kind, l.name)
	if err != nil {
		return false, err
	}
	schemas, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		return false, err
	}
	if l.kind == "relation" {
		// What the failed transaction had made is gone, but was there.
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
	if err := h.runner.conn.QueryRow(ctx, "SELECT pg_catalog.set_config('search_path', pg_catalog.concat_ws(', ', NULLIF(pg_catalog.current_setting('search_path'), ''), $1::pg_catalog.text), false)", anyhow, ident(schemas[0])).Scan(&path); err != nil {
		return false, err
	}
	h.base.SearchPath = path
	h.note(fmt.Sprintf("search_path was set to %s, as the connection of production must have it: %s uses %s, which the schema %s alone has", path, at, l.name, schemas[0]))
	return true, nil
}
