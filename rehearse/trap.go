package rehearse

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"

	"github.com/onward-sql/onward/internal/pgparse"
)

// A trap is code that a migration leaves for the sessions of others, which may
// have more rights than its own. It stands beside something of the server's and
// answers to its name: an operator, a function, a view, a type or a cast whose
// types are all the server's. Or it hangs on a table: a default, a check, an
// index, a policy, a rule.
//
// Names alone are no trap: schemas of honest projects have an operator || for text
// and numbers, a gen_random_uuid() for old servers, a view that is called as one of
// the server's. So the code is read. On a table only what reaches out of the
// database counts; in the place of something of the server's also what takes
// another role, or runs text that it puts together as it goes.
type trap struct {
	object string   // in Postgres' words
	names  []string // what a text that makes it says
	stands bool     // in the place of something of the server's
	does   string
}

func (t trap) fact() string {
	if t.stands {
		return t.object + " answers to a name of the server's own, and " + t.does
	}
	return t.object + ": the session that meets it " + t.does
}

// traps are those of a database.
type traps struct {
	functions map[uint32]*function
	named     map[string][]*function
	left      []trap
}

type function struct {
	name, bare     string
	language, text string
	asked          bool
	grave          string // what it does beyond the database
	slight         string // what honest functions do too, though none in the server's place
	hides          bool
}

// querier is a connection.
type querier interface {
	Query(ctx context.Context, sql string, args ...any) (pgx.Rows, error)
}

const ofExtension = `EXISTS (SELECT FROM pg_catalog.pg_depend e WHERE e.classid OPERATOR(pg_catalog.=) %s AND e.objid OPERATOR(pg_catalog.=) %s AND e.deptype OPERATOR(pg_catalog.=) 'e')`

// Functions whose text is kept; the rehearsal's own are left out.
var findFunctions = `SELECT p.oid, pg_catalog.concat(n.nspname, '.', p.proname), p.proname::pg_catalog.text, l.lanname::pg_catalog.text, p.prosrc
FROM pg_catalog.pg_proc p JOIN pg_catalog.pg_namespace n ON n.oid OPERATOR(pg_catalog.=) p.pronamespace JOIN pg_catalog.pg_language l ON l.oid OPERATOR(pg_catalog.=) p.prolang
WHERE p.oid OPERATOR(pg_catalog.>=) 16384::pg_catalog.oid AND l.lanname OPERATOR(pg_catalog.=) ANY ('{sql,plpgsql}') AND n.nspname OPERATOR(pg_catalog.<>) 'onward_rehearsal'
  AND NOT ` + fmt.Sprintf(ofExtension, "1255::pg_catalog.oid", "p.oid")

// What runs a function: whether it stands in the server's place, its name, and
// whether its types are those of what it stands for, so that only a path decides.
var findHooks = `SELECT true, pg_catalog.pg_describe_object(2617::pg_catalog.oid, o.oid, 0), ''::pg_catalog.text, o.oprcode::pg_catalog.oid, true
FROM pg_catalog.pg_operator o
WHERE o.oid OPERATOR(pg_catalog.>=) 16384::pg_catalog.oid AND o.oprleft OPERATOR(pg_catalog.<) 16384::pg_catalog.oid AND o.oprright OPERATOR(pg_catalog.<) 16384::pg_catalog.oid
  AND EXISTS (SELECT FROM pg_catalog.pg_operator b WHERE b.oid OPERATOR(pg_catalog.<) 16384::pg_catalog.oid AND b.oprname OPERATOR(pg_catalog.=) o.oprname)
UNION ALL SELECT true, pg_catalog.pg_describe_object(1255::pg_catalog.oid, p.oid, 0), p.proname::pg_catalog.text, p.oid,
  EXISTS (SELECT FROM pg_catalog.pg_proc b WHERE b.oid OPERATOR(pg_catalog.<) 16384::pg_catalog.oid AND b.proname OPERATOR(pg_catalog.=) p.proname AND b.proargtypes OPERATOR(pg_catalog.=) p.proargtypes)
FROM pg_catalog.pg_proc p
WHERE p.oid OPERATOR(pg_catalog.>=) 16384::pg_catalog.oid AND EXISTS (SELECT FROM pg_catalog.pg_proc b WHERE b.oid OPERATOR(pg_catalog.<) 16384::pg_catalog.oid AND b.proname OPERATOR(pg_catalog.=) p.proname)
  AND NOT EXISTS (SELECT FROM pg_catalog.unnest(p.proargtypes::pg_catalog.oid[]) a WHERE a OPERATOR(pg_catalog.>=) 16384::pg_catalog.oid)
UNION ALL SELECT true, pg_catalog.pg_describe_object(2605::pg_catalog.oid, c.oid, 0), ''::pg_catalog.text, c.castfunc, true
FROM pg_catalog.pg_cast c
WHERE c.oid OPERATOR(pg_catalog.>=) 16384::pg_catalog.oid AND c.castsource OPERATOR(pg_catalog.<) 16384::pg_catalog.oid AND c.casttarget OPERATOR(pg_catalog.<) 16384::pg_catalog.oid
UNION ALL SELECT true, pg_catalog.pg_describe_object(1259::pg_catalog.oid, c.oid, 0), c.relname::pg_catalog.text, d.refobjid, true
FROM pg_catalog.pg_class c JOIN pg_catalog.pg_rewrite r ON r.ev_class OPERATOR(pg_catalog.=) c.oid
JOIN pg_catalog.pg_depend d ON d.classid OPERATOR(pg_catalog.=) 2618::pg_catalog.oid AND d.objid OPERATOR(pg_catalog.=) r.oid AND d.refclassid OPERATOR(pg_catalog.=) 1255::pg_catalog.oid
WHERE c.oid OPERATOR(pg_catalog.>=) 16384::pg_catalog.oid AND EXISTS (SELECT FROM pg_catalog.pg_class b WHERE b.oid OPERATOR(pg_catalog.<) 16384::pg_catalog.oid AND b.relnamespace OPERATOR(pg_catalog.=) 11::pg_catalog.oid AND b.relname OPERATOR(pg_catalog.=) c.relname)
UNION ALL SELECT true, pg_catalog.pg_describe_object(1247::pg_catalog.oid, t.oid, 0), t.typname::pg_catalog.text, d.refobjid, true
FROM pg_catalog.pg_type t JOIN pg_catalog.pg_constraint k ON k.contypid OPERATOR(pg_catalog.=) t.oid
JOIN pg_catalog.pg_depend d ON d.classid OPERATOR(pg_catalog.=) 2606::pg_catalog.oid AND d.objid OPERATOR(pg_catalog.=) k.oid AND d.refclassid OPERATOR(pg_catalog.=) 1255::pg_catalog.oid
WHERE t.oid OPERATOR(pg_catalog.>=) 16384::pg_catalog.oid AND EXISTS (SELECT FROM pg_catalog.pg_type b WHERE b.oid OPERATOR(pg_catalog.<) 16384::pg_catalog.oid AND b.typname OPERATOR(pg_catalog.=) t.typname)
UNION ALL SELECT false, pg_catalog.pg_describe_object(d.classid, d.objid, d.objsubid), ''::pg_catalog.text, d.refobjid, false
FROM pg_catalog.pg_depend d
WHERE d.refclassid OPERATOR(pg_catalog.=) 1255::pg_catalog.oid AND d.refobjid OPERATOR(pg_catalog.>=) 16384::pg_catalog.oid AND d.deptype OPERATOR(pg_catalog.=) ANY ('{n,a}')
  AND d.classid OPERATOR(pg_catalog.<>) ALL ('{1255,2620}'::pg_catalog.oid[])`

// findTraps reads the catalogs of a database for traps.
func findTraps(ctx context.Context, conn querier) (*traps, error) {
	t := &traps{functions: map[uint32]*function{}, named: map[string][]*function{}}
	rows, err := conn.Query(ctx, findFunctions)
	if err != nil {
		return nil, err
	}
	var oid uint32
	var name, bare, language, text string
	if _, err := pgx.ForEachRow(rows, []any{&oid, &name, &bare, &language, &text}, func() error {
		f := &function{name: name, bare: bare, language: language, text: text}
		t.functions[oid] = f
		t.named[bare] = append(t.named[bare], f)
		return nil
	}); err != nil || len(t.functions) == 0 {
		return t, err
	}
	if rows, err = conn.Query(ctx, findHooks); err != nil {
		return nil, err
	}
	var stands, exact bool
	standing := map[*function]bool{} // they come first
	_, err = pgx.ForEachRow(rows, []any{&stands, &name, &bare, &oid, &exact}, func() error {
		f := t.functions[oid]
		if f == nil {
			return nil
		}
		t.ask(f)
		does := f.grave
		if stands && does == "" {
			does = f.slight
		}
		if does == "" && stands && exact && f.hides {
			does = "runs text that it puts together as it goes"
		}
		if does != "" && (stands || !standing[f]) {
			standing[f] = stands || standing[f]
			x := trap{object: name, stands: stands, does: does, names: []string{f.name, f.bare}}
			if bare != "" {
				x.names = []string{bare}
			}
			t.left = append(t.left, x)
		}
		return nil
	})
	return t, err
}

// ask finds out what a function does, with those that it calls.
func (t *traps) ask(f *function) {
	if f.asked {
		return
	}
	f.asked = true
	body := self.Body(f.language, f.text)
	for _, a := range body.Acts {
		if a.Honest {
			f.slight = a.Does
		} else {
			f.grave = a.Does
		}
	}
	f.hides = body.Hides
	for _, name := range body.Calls {
		for _, g := range t.named[name] {
			t.ask(g)
			if f.grave == "" {
				f.grave = g.grave
			}
			if f.slight == "" {
				f.slight = g.slight
			}
			f.hides = f.hides || g.hides
		}
	}
}

// called is a function that a statement calls and that reaches out of the database.
func (t *traps) called(n *pgparse.Node) (name, does string) {
	switch pgparse.Unwrap(n).(type) {
	case *pgparse.SelectStmt, *pgparse.CallStmt, *pgparse.InsertStmt, *pgparse.UpdateStmt, *pgparse.DeleteStmt:
	default:
		return "", ""
	}
	pgparse.Walk(n, func(msg any) bool {
		if x, ok := msg.(*pgparse.FuncCall); ok {
			for _, f := range t.named[pgparse.Last(x.GetFuncname())] {
				if t.ask(f); f.grave != "" {
					name, does = f.name, f.grave
				}
			}
		}
		return does == ""
	})
	return name, does
}
