package rehearse

import (
	"cmp"
	"context"
	"slices"

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
	object string // in Postgres' words
	name   string // that the statement which makes it gives it; "" for none
	by     string // the name of the function that it runs
	stands bool   // in the place of something of the server's
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
	needs          []*function // that its text does not name
}

// querier is a connection.
type querier interface {
	Query(ctx context.Context, sql string, args ...any) (pgx.Rows, error)
}

// Functions, and their text where it is read. Left out are the rehearsal's own,
// and those that came with an extension: they are a superuser's then, while what a
// migration has made a member of one is its own.
const findFunctions = `SELECT p.oid, pg_catalog.concat(n.nspname, '.', p.proname), p.proname::pg_catalog.text, l.lanname::pg_catalog.text, p.prosrc
FROM pg_catalog.pg_proc p JOIN pg_catalog.pg_namespace n ON n.oid OPERATOR(pg_catalog.=) p.pronamespace JOIN pg_catalog.pg_language l ON l.oid OPERATOR(pg_catalog.=) p.prolang
JOIN pg_catalog.pg_roles o ON o.oid OPERATOR(pg_catalog.=) p.proowner
WHERE p.oid OPERATOR(pg_catalog.>=) 16384::pg_catalog.oid AND n.nspname OPERATOR(pg_catalog.<>) 'onward_rehearsal'
  AND NOT (o.rolsuper AND EXISTS (SELECT FROM pg_catalog.pg_depend e WHERE e.classid OPERATOR(pg_catalog.=) 1255::pg_catalog.oid AND e.objid OPERATOR(pg_catalog.=) p.oid AND e.deptype OPERATOR(pg_catalog.=) 'e'))`

// Functions that need others without saying so in a text: by the default of an
// argument, a body that is kept as a tree, what an aggregate is made of.
const findCalls = `SELECT objid, refobjid FROM pg_catalog.pg_depend WHERE classid OPERATOR(pg_catalog.=) 1255::pg_catalog.oid AND refclassid OPERATOR(pg_catalog.=) 1255::pg_catalog.oid
  AND refobjid OPERATOR(pg_catalog.>=) 16384::pg_catalog.oid AND deptype OPERATOR(pg_catalog.=) ANY ('{n,a}')`

// What runs the functions of $1, also by way of operators, views and the checks of
// domains: whether it stands in the server's place, its name, and whether its types
// are those of what it stands for, so that only a path decides.
const findHooks = `WITH RECURSIVE reach (function, class, object, leads) AS (
  SELECT f, 1255::pg_catalog.oid, f, true FROM pg_catalog.unnest($1::pg_catalog.oid[]) f
UNION SELECT r.function, x.class, x.object, x.leads
  FROM reach r JOIN pg_catalog.pg_depend d ON d.refclassid OPERATOR(pg_catalog.=) r.class AND d.refobjid OPERATOR(pg_catalog.=) r.object
  LEFT JOIN pg_catalog.pg_rewrite w ON d.classid OPERATOR(pg_catalog.=) 2618::pg_catalog.oid AND w.oid OPERATOR(pg_catalog.=) d.objid AND w.rulename OPERATOR(pg_catalog.=) '_RETURN'
  LEFT JOIN pg_catalog.pg_constraint k ON d.classid OPERATOR(pg_catalog.=) 2606::pg_catalog.oid AND k.oid OPERATOR(pg_catalog.=) d.objid AND k.contypid OPERATOR(pg_catalog.<>) 0::pg_catalog.oid
  CROSS JOIN LATERAL (SELECT 1259::pg_catalog.oid, w.ev_class, true WHERE w.oid IS NOT NULL UNION ALL SELECT 1247::pg_catalog.oid, k.contypid, true WHERE k.oid IS NOT NULL
    UNION ALL SELECT d.classid, d.objid, d.classid OPERATOR(pg_catalog.=) 2617::pg_catalog.oid WHERE w.oid IS NULL AND k.oid IS NULL) x (class, object, leads)
  WHERE r.leads AND d.deptype OPERATOR(pg_catalog.=) ANY ('{n,a}') AND d.objsubid OPERATOR(pg_catalog.=) 0 AND d.classid OPERATOR(pg_catalog.<>) 1255::pg_catalog.oid
)
SELECT COALESCE(b.stands, false) AS stands, pg_catalog.pg_describe_object(r.class, r.object, 0), COALESCE(
    (SELECT proname FROM pg_catalog.pg_proc WHERE r.class OPERATOR(pg_catalog.=) 1255::pg_catalog.oid AND oid OPERATOR(pg_catalog.=) r.object),
    (SELECT relname FROM pg_catalog.pg_class WHERE r.class OPERATOR(pg_catalog.=) 1259::pg_catalog.oid AND oid OPERATOR(pg_catalog.=) r.object),
    (SELECT typname FROM pg_catalog.pg_type WHERE r.class OPERATOR(pg_catalog.=) 1247::pg_catalog.oid AND oid OPERATOR(pg_catalog.=) r.object),
    (SELECT rulename FROM pg_catalog.pg_rewrite WHERE r.class OPERATOR(pg_catalog.=) 2618::pg_catalog.oid AND oid OPERATOR(pg_catalog.=) r.object),
    (SELECT tgname FROM pg_catalog.pg_trigger WHERE r.class OPERATOR(pg_catalog.=) 2620::pg_catalog.oid AND oid OPERATOR(pg_catalog.=) r.object),
    (SELECT polname FROM pg_catalog.pg_policy WHERE r.class OPERATOR(pg_catalog.=) 3256::pg_catalog.oid AND oid OPERATOR(pg_catalog.=) r.object), '')::pg_catalog.text,
  r.function, COALESCE(b.exact, false)
FROM reach r LEFT JOIN LATERAL (
  SELECT true AS stands, true AS exact FROM pg_catalog.pg_operator o
  WHERE r.class OPERATOR(pg_catalog.=) 2617::pg_catalog.oid AND o.oid OPERATOR(pg_catalog.=) r.object AND o.oprleft OPERATOR(pg_catalog.<) 16384::pg_catalog.oid AND o.oprright OPERATOR(pg_catalog.<) 16384::pg_catalog.oid
    AND EXISTS (SELECT FROM pg_catalog.pg_operator b WHERE b.oid OPERATOR(pg_catalog.<) 16384::pg_catalog.oid AND b.oprname OPERATOR(pg_catalog.=) o.oprname)
UNION ALL SELECT true, EXISTS (SELECT FROM pg_catalog.pg_proc b WHERE b.oid OPERATOR(pg_catalog.<) 16384::pg_catalog.oid AND b.proname OPERATOR(pg_catalog.=) p.proname AND b.proargtypes OPERATOR(pg_catalog.=) p.proargtypes)
  FROM pg_catalog.pg_proc p
  WHERE r.class OPERATOR(pg_catalog.=) 1255::pg_catalog.oid AND p.oid OPERATOR(pg_catalog.=) r.object AND EXISTS (SELECT FROM pg_catalog.pg_proc b WHERE b.oid OPERATOR(pg_catalog.<) 16384::pg_catalog.oid AND b.proname OPERATOR(pg_catalog.=) p.proname)
    AND NOT EXISTS (SELECT FROM pg_catalog.unnest(p.proargtypes::pg_catalog.oid[]) a WHERE a OPERATOR(pg_catalog.>=) 16384::pg_catalog.oid)
UNION ALL SELECT true, true FROM pg_catalog.pg_cast c
  WHERE r.class OPERATOR(pg_catalog.=) 2605::pg_catalog.oid AND c.oid OPERATOR(pg_catalog.=) r.object AND c.castsource OPERATOR(pg_catalog.<) 16384::pg_catalog.oid AND c.casttarget OPERATOR(pg_catalog.<) 16384::pg_catalog.oid
UNION ALL SELECT true, true FROM pg_catalog.pg_class c
  WHERE r.class OPERATOR(pg_catalog.=) 1259::pg_catalog.oid AND r.leads AND c.oid OPERATOR(pg_catalog.=) r.object
    AND EXISTS (SELECT FROM pg_catalog.pg_class b WHERE b.oid OPERATOR(pg_catalog.<) 16384::pg_catalog.oid AND b.relnamespace OPERATOR(pg_catalog.=) 11::pg_catalog.oid AND b.relname OPERATOR(pg_catalog.=) c.relname)
UNION ALL SELECT true, true FROM pg_catalog.pg_type t
  WHERE r.class OPERATOR(pg_catalog.=) 1247::pg_catalog.oid AND r.leads AND t.oid OPERATOR(pg_catalog.=) r.object
    AND EXISTS (SELECT FROM pg_catalog.pg_type b WHERE b.oid OPERATOR(pg_catalog.<) 16384::pg_catalog.oid AND b.typname OPERATOR(pg_catalog.=) t.typname)
) b ON true
WHERE b.stands OR r.class OPERATOR(pg_catalog.<>) ALL ('{1255,2617}'::pg_catalog.oid[])
ORDER BY stands DESC, 2`

// findTraps reads the catalogs of a database for traps.
func findTraps(ctx context.Context, conn querier) (*traps, error) {
	t := &traps{functions: map[uint32]*function{}, named: map[string][]*function{}}
	rows, err := conn.Query(ctx, findFunctions)
	if err != nil {
		return nil, err
	}
	var oid, other uint32
	var name, bare, language, text string
	if _, err := pgx.ForEachRow(rows, []any{&oid, &name, &bare, &language, &text}, func() error {
		f := &function{name: name, bare: bare, language: language, text: text}
		t.functions[oid] = f
		t.named[bare] = append(t.named[bare], f)
		return nil
	}); err != nil || len(t.functions) == 0 {
		return t, err
	}
	if rows, err = conn.Query(ctx, findCalls); err != nil {
		return nil, err
	}
	if _, err := pgx.ForEachRow(rows, []any{&oid, &other}, func() error {
		if f, g := t.functions[oid], t.functions[other]; f != nil && g != nil {
			f.needs = append(f.needs, g)
		}
		return nil
	}); err != nil {
		return nil, err
	}
	var suspects []uint32
	for oid, f := range t.functions {
		if t.ask(f); f.grave != "" || f.slight != "" || f.hides {
			suspects = append(suspects, oid)
		}
	}
	if len(suspects) == 0 {
		return t, nil
	}
	if rows, err = conn.Query(ctx, findHooks, suspects); err != nil {
		return nil, err
	}
	var stands, exact bool
	_, err = pgx.ForEachRow(rows, []any{&stands, &name, &bare, &oid, &exact}, func() error {
		f := t.functions[oid]
		does := f.grave
		if stands && does == "" {
			does = f.slight
		}
		if does == "" && stands && exact && f.hides {
			does = "runs text that it puts together as it goes"
		}
		if does != "" {
			t.left = append(t.left, trap{object: name, name: bare, by: f.bare, stands: stands, does: does})
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
	calls := f.needs
	for _, name := range body.Calls {
		calls = append(calls, t.named[name]...)
	}
	for _, g := range calls {
		t.ask(g)
		f.grave, f.slight, f.hides = cmp.Or(f.grave, g.grave), cmp.Or(f.slight, g.slight), f.hides || g.hides
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
			called := pgparse.Last(x.GetFuncname())
			if slices.ContainsFunc(t.left, func(x trap) bool { return x.stands && x.name == called }) {
				return true // the server's own is called, or what was told of already
			}
			for _, f := range t.named[called] {
				if f.grave != "" {
					name, does = f.name, f.grave
				}
			}
		}
		return does == ""
	})
	return name, does
}
