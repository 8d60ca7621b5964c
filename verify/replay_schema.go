package verify

import (
	"cmp"
	"context"
	"crypto/sha256"
	"errors"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5"

	"github.com/onward-sql/onward/internal/adapter/all"
	"github.com/onward-sql/onward/internal/replay"
	"github.com/onward-sql/onward/onward"
)

// partsQuery lists what a schema is made of, without its name, or all schemas with theirs if $2 says so. Columns count first.
const partsQuery = `WITH schemas AS (SELECT n.oid, CASE WHEN n.nspname OPERATOR(pg_catalog.=) $1 THEN '' ELSE n.nspname || '.' END AS prefix
FROM pg_catalog.pg_namespace n WHERE n.nspname OPERATOR(pg_catalog.=) $1 OR $2 AND ` + ours + `),
tables AS (SELECT c.oid, s.prefix || c.relname AS name FROM pg_catalog.pg_class c JOIN schemas s ON s.oid OPERATOR(pg_catalog.=) c.relnamespace
WHERE c.relkind OPERATOR(pg_catalog.=) ANY ('{r,p,v,m,f}') AND NOT c.relispartition)
SELECT 'column', t.name || '.' || a.attname FROM tables t JOIN pg_catalog.pg_attribute a ON a.attrelid OPERATOR(pg_catalog.=) t.oid
WHERE a.attnum OPERATOR(pg_catalog.>) 0 AND NOT a.attisdropped
UNION ALL SELECT 'type', concat_ws(' ', t.name, a.attname, pg_catalog.format_type(a.atttypid, a.atttypmod), a.attnotnull, a.atthasdef)
FROM tables t JOIN pg_catalog.pg_attribute a ON a.attrelid OPERATOR(pg_catalog.=) t.oid WHERE a.attnum OPERATOR(pg_catalog.>) 0 AND NOT a.attisdropped
UNION ALL SELECT 'constraint', concat_ws(' ', t.name, pg_catalog.pg_get_constraintdef(o.oid, true)) FROM tables t
JOIN pg_catalog.pg_constraint o ON o.conrelid OPERATOR(pg_catalog.=) t.oid WHERE o.contype OPERATOR(pg_catalog.<>) 'n'
UNION ALL SELECT 'index', pg_catalog.pg_get_indexdef(i.indexrelid, 0, true) FROM tables t JOIN pg_catalog.pg_index i ON i.indrelid OPERATOR(pg_catalog.=) t.oid
UNION ALL SELECT 'trigger', pg_catalog.pg_get_triggerdef(g.oid, true) FROM tables t
JOIN pg_catalog.pg_trigger g ON g.tgrelid OPERATOR(pg_catalog.=) t.oid WHERE NOT g.tgisinternal
UNION ALL SELECT 'policy', concat_ws(' ', t.name, p.polname) FROM tables t JOIN pg_catalog.pg_policy p ON p.polrelid OPERATOR(pg_catalog.=) t.oid
UNION ALL SELECT 'function', concat_ws(' ', s.prefix, p.proname, pg_catalog.pg_get_function_identity_arguments(p.oid), pg_catalog.md5(p.prosrc))
FROM schemas s JOIN pg_catalog.pg_proc p ON p.pronamespace OPERATOR(pg_catalog.=) s.oid
UNION ALL SELECT 'label', concat_ws(' ', s.prefix, y.typname, e.enumlabel) FROM schemas s
JOIN pg_catalog.pg_type y ON y.typnamespace OPERATOR(pg_catalog.=) s.oid JOIN pg_catalog.pg_enum e ON e.enumtypid OPERATOR(pg_catalog.=) y.oid`

// schemaPart is a column, an index or the like.
type schemaPart struct{ kind, name string }

// listSchemaParts lists what a database has: of one schema, or of all if allSchemas is set.
func (r *replayer) listSchemaParts(ctx context.Context, database, schema string, allSchemas bool) (_ map[schemaPart]bool, err error) {
	conn, err := r.stage.Server().Connect(ctx, "", database)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, conn.Close(ctx)) }()
	if _, err := conn.Exec(ctx, "SET search_path = pg_catalog, "+pgx.Identifier{schema}.Sanitize()); err != nil {
		return nil, err
	}
	rows, _ := conn.Query(ctx, partsQuery, pgx.QueryExecModeSimpleProtocol, schema, allSchemas)
	out := map[schemaPart]bool{}
	var part schemaPart
	_, err = pgx.ForEachRow(rows, []any{&part.kind, &part.name}, func() error { out[part] = true; return nil })
	return out, err
}

// expectedParts returns the parts of the schema that a version of the code is made for.
func (r *replayer) expectedParts(ctx context.Context, code onward.Code, allSchemas bool) (map[schemaPart]bool, error) {
	key := partsKey{code, allSchemas}
	if known := r.parts[key]; known != nil {
		return known, nil
	}
	database, err := r.stage.Copy(ctx)
	if last := r.checker.moments[len(r.checker.moments)-1]; err == nil && code == onward.NewCode && !last.Base {
		base := database
		database, err = r.runTo(ctx, base, last)
		r.stage.Drop(ctx, base)
	}
	if err != nil {
		return nil, err
	}
	defer r.stage.Drop(ctx, database)
	parts, err := r.listSchemaParts(ctx, database, "public", allSchemas)
	books := all.HistoryTableNames()
	for part := range parts {
		table, _, _ := strings.Cut(strings.Fields(part.name)[0], ".")
		if books[table] {
			delete(parts, part)
		}
	}
	r.parts[key] = parts
	return parts, err
}

// partsKey says of which version of the code, and whether of all schemas.
type partsKey struct {
	code       onward.Code
	everything bool
}

// findSetup finds the end of the setup in a lane that has none for sure, and returns the lane with it. found is false if the messages never make what
// the code is made for; lacks is then a column that is missing.
func (r *replayer) findSetup(ctx context.Context, code onward.Code, lane *replay.DatabaseLane) (out *replay.DatabaseLane, found bool, lacks string, err error) {
	wanted, err := r.expectedParts(ctx, code, lane.Schema == "")
	if err != nil || len(wanted) == 0 {
		return lane, false, "", err
	}
	database, err := r.makeEmptyDatabase(ctx)
	if err != nil {
		return lane, false, "", err
	}
	defer func() { _ = r.stage.Server().DropDatabase(context.WithoutCancel(ctx), database) }()
	end, err := lane.FindSetup(ctx, r.newReplayTarget(lane.Tests.Transcript, database), func(ctx context.Context) (count int, columns bool, err error) {
		existingParts, err := r.listSchemaParts(ctx, database, cmp.Or(lane.Schema, "public"), lane.Schema == "")
		var missing []string
		for part := range wanted {
			if !existingParts[part] {
				count++
				if part.kind == "column" {
					missing = append(missing, part.name)
				}
			}
		}
		if len(missing) > 0 {
			lacks = slices.Min(missing)
		}
		return count, len(missing) > 0, err
	})
	if unplayed := new(replay.Error); errors.As(err, &unplayed) {
		return lane, false, unplayed.Error(), nil
	}
	if err != nil || end == 0 {
		return lane, false, lacks, err
	}
	ended := lane.EndSetup(end)
	return &ended, true, "", nil
}

// splitSchemas returns lanes for the schemas that a suite makes for single tests and gives the deployed schema, and the lane with the rest.
func (r *replayer) splitSchemas(
	ctx context.Context, code onward.Code, whole *replay.DatabaseLane,
) (single []*preparedLane, rest *replay.DatabaseLane, err error) {
	lanes, listRest := whole.SplitSchemas()
	type madeSetup struct {
		messages int
		template string
	}
	known := map[[sha256.Size]byte]madeSetup{} // by the hash of the messages
	handledLanes := map[int]bool{}
	failures := 0
	for i := range lanes {
		lane := &lanes[i]
		var template string
		for sum, setup := range known {
			if hash, end, ok := lane.HashSetup(setup.messages); ok && hash == sum {
				ended := lane.EndSetup(end)
				lane, template = &ended, setup.template
			}
		}
		if template == "" {
			if failures >= mostFailedSchemas {
				continue
			}
			var found bool
			if lane, found, _, err = r.findSetup(ctx, code, lane); err != nil {
				return nil, nil, err
			}
			if !found {
				failures++
				continue
			}
			if template, err = r.makeEmptyDatabase(ctx); err != nil {
				return nil, nil, err
			}
			reason, err := r.replaySetup(ctx, lane.Setup, template)
			if err == nil && reason == "" && lane.Schema != "public" {
				err = r.renameToPublic(ctx, template, lane.Schema)
			}
			if err != nil {
				return nil, nil, err
			}
			if reason != "" {
				r.addNotef("what was sent to schema %s was not replayed: %s", lane.Schema, reason)
				continue
			}
			messages := lane.Setup.CountMessages(lane.Setup.End)
			if sum, _, ok := lane.HashSetup(messages); ok {
				known[sum] = madeSetup{messages, template}
			}
		}
		handledLanes[i] = true
		prepared := &preparedLane{Lane: lane.Tests, code: code, template: template, created: true, schema: lane.Schema}
		if lane.Schema == "public" {
			prepared.schema = ""
		}
		single = append(single, prepared)
	}
	left := listRest(handledLanes)
	return single, &left, nil
}

// mostFailedSchemas is how many schemas of a suite are tried that do not have the deployed schema: an application may make others.
const mostFailedSchemas = 3

// Names of schemas while the release runs on the schema of a single test, which is called public then.
const realPublic = "onward_public"

// renameToPublic gives the schema of a single test the name public, for the release. restoreSchemaNames takes that back.
func (r *replayer) renameToPublic(ctx context.Context, database, schema string) error {
	return r.renameSchemas(ctx, database, [][2]string{{"public", realPublic}, {schema, "public"}})
}

func (r *replayer) restoreSchemaNames(ctx context.Context, database, schema string) error {
	return r.renameSchemas(ctx, database, [][2]string{{"public", schema}, {realPublic, "public"}})
}

func (r *replayer) renameSchemas(ctx context.Context, database string, names [][2]string) (err error) {
	conn, err := r.stage.Server().Connect(ctx, "", database)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, conn.Close(ctx)) }()
	for _, pair := range names {
		if _, err := conn.Exec(ctx, "ALTER SCHEMA "+pgx.Identifier{pair[0]}.Sanitize()+" RENAME TO "+pgx.Identifier{pair[1]}.Sanitize()); err != nil {
			return err
		}
	}
	return nil
}
