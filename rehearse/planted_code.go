package rehearse

import (
	"cmp"
	"context"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5"

	"github.com/onward-sql/onward/internal/pgparse"
	"github.com/onward-sql/onward/internal/script"
)

// A plant is code that a migration leaves for the sessions of others, which may have
// more rights than its own. It shadows an object of the server under the same name:
// an operator, a function, a view, a type, or a cast whose types are all the
// server's. Or it is attached to a table: a default, a check, an index, a policy, a
// rule.
//
// A name alone is no plant: well-meaning projects have an operator || for text and
// numbers, a gen_random_uuid() for old servers, a view with the name of one of the
// server's. So the code is read. On a table, only code that reaches out of the
// database counts. In a shadowing object, code also counts if it switches to
// another role, or runs dynamic SQL.
type plant struct {
	object        string // in Postgres' words
	name          string // the name in the statement that makes it; "" for none
	function      string // the name of the function that it runs
	shadowsObject bool   // it shadows an object of the server
	does          string // what its code does, for people
}

func (t plant) describePlant() string {
	if t.shadowsObject {
		return t.object + " answers to a name of the server's own, and " + t.does
	}
	return t.object + ": the session that meets it " + t.does
}

// plantedCode has all plants of a database, and the functions that may be part of one.
type plantedCode struct {
	functions       map[uint32]*function
	functionsByName map[string][]*function
	list            []plant
}

type function struct {
	name, bare     string
	language, text string
	isAnalyzed     bool
	grave          string      // what it does beyond the database
	slight         string      // what well-meaning functions do too, but no function that shadows one of the server's
	hides          bool        // it runs dynamic SQL
	needs          []*function // functions that its text does not name
}

// querier is a connection.
type querier interface {
	Query(ctx context.Context, sql string, args ...any) (pgx.Rows, error)
}

// findFunctions selects functions, with their text if onward reads it. It omits the
// rehearsal's own, and those that came with an extension: these belong to a
// superuser, while a function that a migration has added to an extension belongs to
// the migration's role.
const findFunctions = `SELECT p.oid, pg_catalog.concat(n.nspname, '.', p.proname), p.proname::pg_catalog.text, l.lanname::pg_catalog.text, p.prosrc
FROM pg_catalog.pg_proc p JOIN pg_catalog.pg_namespace n ON n.oid OPERATOR(pg_catalog.=) p.pronamespace JOIN pg_catalog.pg_language l ON l.oid OPERATOR(pg_catalog.=) p.prolang
JOIN pg_catalog.pg_roles o ON o.oid OPERATOR(pg_catalog.=) p.proowner
WHERE p.oid OPERATOR(pg_catalog.>=) 16384::pg_catalog.oid AND n.nspname OPERATOR(pg_catalog.<>) 'onward_rehearsal'
  AND NOT (o.rolsuper AND EXISTS (SELECT FROM pg_catalog.pg_depend e WHERE e.classid OPERATOR(pg_catalog.=) 1255::pg_catalog.oid AND e.objid OPERATOR(pg_catalog.=) p.oid AND e.deptype OPERATOR(pg_catalog.=) 'e'))`

// findCalls selects functions that need others without naming them in a text: by
// the default of an argument, a body that is kept as a parse tree, or the parts of
// an aggregate.
const findCalls = `SELECT objid, refobjid FROM pg_catalog.pg_depend WHERE classid OPERATOR(pg_catalog.=) 1255::pg_catalog.oid AND refclassid OPERATOR(pg_catalog.=) 1255::pg_catalog.oid
  AND refobjid OPERATOR(pg_catalog.>=) 16384::pg_catalog.oid AND deptype OPERATOR(pg_catalog.=) ANY ('{n,a}')`

// findHooks selects everything that runs the functions of $1, also through
// operators, views and the checks of domains. For each it returns its name, whether
// it shadows an object of the server, and whether its types are the same as that
// object's, so that only the search_path decides.
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

// findPlantedCode reads the catalogs of a database for planted code.
func findPlantedCode(ctx context.Context, conn querier) (*plantedCode, error) {
	t := &plantedCode{functions: map[uint32]*function{}, functionsByName: map[string][]*function{}}
	rows, _ := conn.Query(ctx, findFunctions)
	var oid, other uint32
	var name, bare, language, text string
	if _, err := pgx.ForEachRow(rows, []any{&oid, &name, &bare, &language, &text}, func() error {
		f := &function{name: name, bare: bare, language: language, text: text}
		t.functions[oid] = f
		t.functionsByName[bare] = append(t.functionsByName[bare], f)
		return nil
	}); err != nil || len(t.functions) == 0 {
		return t, err
	}
	rows, _ = conn.Query(ctx, findCalls)
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
		if t.analyzeFunction(f); f.grave != "" || f.slight != "" || f.hides {
			suspects = append(suspects, oid)
		}
	}
	if len(suspects) == 0 {
		return t, nil
	}
	rows, _ = conn.Query(ctx, findHooks, suspects)
	var stands, exact bool
	_, err := pgx.ForEachRow(rows, []any{&stands, &name, &bare, &oid, &exact}, func() error {
		f := t.functions[oid]
		effect := f.grave
		if stands && effect == "" {
			effect = f.slight
		}
		if effect == "" && stands && exact && f.hides {
			effect = "runs text that it puts together as it goes"
		}
		if effect != "" {
			t.list = append(t.list, plant{object: name, name: bare, function: f.bare, shadowsObject: stands, does: effect})
		}
		return nil
	})
	return t, err
}

// analyzeFunction determines what a function does, including the functions that it calls.
func (t *plantedCode) analyzeFunction(f *function) {
	if f.isAnalyzed {
		return
	}
	f.isAnalyzed = true
	body := migrationRole.Body(f.language, f.text)
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
		calls = append(calls, t.functionsByName[name]...)
	}
	for _, g := range calls {
		t.analyzeFunction(g)
		f.grave, f.slight, f.hides = cmp.Or(f.grave, g.grave), cmp.Or(f.slight, g.slight), f.hides || g.hides
	}
}

// findCalledPlant returns a function that a statement calls and that reaches out of the
// database.
func (t *plantedCode) findCalledPlant(n *pgparse.Node) (name, effect string) {
	switch pgparse.Unwrap(n).(type) {
	case *pgparse.SelectStmt, *pgparse.CallStmt, *pgparse.InsertStmt, *pgparse.UpdateStmt, *pgparse.DeleteStmt:
	default:
		return "", ""
	}
	pgparse.Walk(n, func(msg any) bool {
		if x, ok := msg.(*pgparse.FuncCall); ok {
			called := pgparse.LastText(x.GetFuncname())
			if slices.ContainsFunc(t.list, func(x plant) bool { return x.shadowsObject && x.name == called }) {
				return true // the server's own is called, or this was reported already
			}
			for _, f := range t.functionsByName[called] {
				if f.grave != "" {
					name, effect = f.name, f.grave
				}
			}
		}
		return effect == ""
	})
	return name, effect
}

// findPlantedCodeOrigin returns the statement that made a plant: one that has its name or its
// function's name, or else one whose text does not show what it makes.
func findPlantedCodeOrigin(sc *script.Script, t plant) *script.Statement {
	var function, hidden, maybe *script.Statement
	for _, st := range sc.Statements {
		switch {
		case t.name != "" && createdName(st.Node) == t.name:
			return st
		case st.Node.GetCreateFunctionStmt() != nil:
			if function == nil && (createdName(st.Node) == t.function || t.name == "" && mentionsName(st, t.function)) {
				function = st
			}
		case t.name == "" && !createsNothing(st.Node) && mentionsName(st, t.function):
			return st
		case hidden == nil && mayHideObjects(st):
			hidden = st
		case maybe == nil && mayRunNestedSQL(st):
			maybe = st
		}
	}
	if t.name != "" {
		return cmp.Or(hidden, maybe, function, sc.Statements[0])
	}
	return cmp.Or(function, hidden, maybe, sc.Statements[0])
}

// createdName returns the name of the object that a statement makes; "" for none.
func createdName(n *pgparse.Node) string {
	switch x := pgparse.Unwrap(n).(type) {
	case *pgparse.CreateFunctionStmt:
		return pgparse.LastText(x.GetFuncname())
	case *pgparse.DefineStmt:
		return pgparse.LastText(x.GetDefnames())
	case *pgparse.CreateDomainStmt:
		return pgparse.LastText(x.GetDomainname())
	case *pgparse.ViewStmt:
		return x.GetView().GetRelname()
	case *pgparse.CreateTableAsStmt:
		return x.GetInto().GetRel().GetRelname()
	case *pgparse.IndexStmt:
		return x.GetIdxname()
	case *pgparse.CreateTrigStmt:
		return x.GetTrigname()
	case *pgparse.CreatePolicyStmt:
		return x.GetPolicyName()
	case *pgparse.RuleStmt:
		return x.GetRulename()
	case *pgparse.RenameStmt:
		return x.GetNewname()
	}
	return ""
}

func mentionsName(st *script.Statement, name string) bool {
	return slices.Contains(pgparse.ListNames(st.SQL), name)
}

// createsNothing reports whether a statement, by its text, creates nothing persistent.
func createsNothing(n *pgparse.Node) bool {
	switch pgparse.Unwrap(n).(type) {
	case *pgparse.DoStmt, *pgparse.SelectStmt, *pgparse.CallStmt, *pgparse.InsertStmt, *pgparse.UpdateStmt, *pgparse.DeleteStmt, *pgparse.CopyStmt,
		*pgparse.DropStmt, *pgparse.GrantStmt, *pgparse.CommentStmt:
		return true
	}
	return false
}

// mayHideObjects reports whether a statement may create objects that its text does not
// show: it executes dynamic SQL, calls a function, or changes rows, which may fire
// a trigger.
func mayHideObjects(st *script.Statement) bool {
	switch x := pgparse.Unwrap(st.Node).(type) {
	case *pgparse.DoStmt:
		return strings.Contains(strings.ToLower(st.SQL), "execute")
	case *pgparse.CallStmt, *pgparse.InsertStmt, *pgparse.UpdateStmt, *pgparse.DeleteStmt, *pgparse.CopyStmt:
		return true
	case *pgparse.SelectStmt:
		calls := false
		pgparse.Walk(st.Node, func(msg any) bool {
			if f, ok := msg.(*pgparse.FuncCall); ok {
				calls = calls || len(f.GetFuncname()) == 1 || pgparse.StringText(f.GetFuncname()[0]) != "pg_catalog"
			}
			return !calls
		})
		return calls && x != nil
	}
	return false
}
