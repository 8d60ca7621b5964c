package underway

import (
	"context"
	"strings"

	"github.com/onward-sql/onward/internal/ledger"
	"github.com/onward-sql/onward/internal/live"
	"github.com/onward-sql/onward/internal/readiness"
	"github.com/onward-sql/onward/internal/undo"
)

// FindObjects returns which tables and columns exist, or which do not. path is the plan's search_path.
func FindObjects(ctx context.Context, conn ledger.Conn, path string, list []undo.Object, exist bool) (out []undo.Object, err error) {
	for _, o := range list {
		ids, err := live.FindRelationsIn(ctx, conn, path, o.QuotedTable())
		if err != nil {
			return nil, err
		}
		found := ids[0] != 0
		if found && o.Column != "" {
			if err := conn.QueryRow(ctx, "SELECT EXISTS (SELECT FROM pg_attribute WHERE attrelid = $1::oid AND attname = $2 AND NOT attisdropped)", ids[0],
				o.Column).Scan(&found); err != nil {
				return nil, err
			}
		}
		if found == exist {
			out = append(out, o)
		}
	}
	return out, nil
}

// ReadDamage finds what somebody else has taken from a plan of the ledger. isDone reports whether a step is done.
func ReadDamage(ctx context.Context, conn ledger.Conn, p *ledger.Plan, isDone func(step string) bool) (out readiness.Damage, err error) {
	if p.IsUnchangedMigration() {
		return out, nil
	}
	droppedObjects, err := FindObjects(ctx, conn, p.Path, undo.ListDropped(&p.Plan, isDone), false)
	for _, o := range droppedObjects {
		out.Gone = append(out.Gone, o.String())
	}
	if err != nil {
		return out, err
	}
	for _, broken := range undo.FindBrokenTriggers(&p.Plan, droppedObjects, isDone) {
		for _, trigger := range broken.Failing {
			exists, err := hasTrigger(ctx, conn, p.Path, trigger)
			if err != nil {
				return out, err
			}
			out.WritesFail = out.WritesFail || exists
		}
	}
	missing, err := FindMissing(ctx, conn, p.Path, undo.ListMade(&p.Plan, isDone))
	for _, m := range missing {
		out.Missing = append(out.Missing, m.String())
	}
	return out, err
}

// FindMissing returns what a plan has made and somebody else has dropped.
func FindMissing(ctx context.Context, conn ledger.Conn, path string, list []undo.Made) (out []undo.Made, err error) {
	for _, m := range list {
		var exists bool
		switch {
		case m.Index:
			index := undo.Object{Table: m.Name}
			if schema, _, qualified := strings.Cut(m.Table.Table, "."); qualified {
				index.Table = schema + "." + m.Name
			}
			var found []undo.Object
			found, err = FindObjects(ctx, conn, path, []undo.Object{index}, true)
			exists = len(found) > 0
		case m.Name != "":
			exists, err = hasTrigger(ctx, conn, path, undo.Trigger{Table: m.Table, Name: m.Name})
		default:
			var found []undo.Object
			found, err = FindObjects(ctx, conn, path, []undo.Object{m.Table}, true)
			exists = len(found) > 0
		}
		if err != nil {
			return nil, err
		}
		if !exists {
			out = append(out, m)
		}
	}
	return out, nil
}

// hasTrigger reports whether a trigger exists: a column that was dropped with CASCADE takes the triggers on it along.
func hasTrigger(ctx context.Context, conn ledger.Conn, path string, t undo.Trigger) (exists bool, err error) {
	ids, err := live.FindRelationsIn(ctx, conn, path, t.Table.QuotedTable())
	if err != nil {
		return false, err
	}
	err = conn.QueryRow(ctx, "SELECT EXISTS (SELECT FROM pg_trigger WHERE tgrelid = $1::oid AND tgname = $2)", ids[0], t.Name).Scan(&exists)
	return exists, err
}
