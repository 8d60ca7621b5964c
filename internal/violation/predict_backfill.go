package violation

import (
	"fmt"
	"slices"
	"strings"

	"github.com/onward-sql/onward/internal/pgparse"
	"github.com/onward-sql/onward/onward"
)

// predictBackfill records what a backfill does to the rows of the table.
func (im *predictedTable) predictBackfill(b *onward.PlannedBackfill) (ok bool, err error) {
	work := pgparse.ParseStatement(b.Work)
	if work == nil {
		return false, nil // the step itself reports the error
	}
	if n := work.GetInsertStmt(); n != nil {
		return !im.isParent(n.Relation), nil
	}
	n := work.GetUpdateStmt()
	switch {
	case n == nil || im.isParent(n.Relation):
		return false, nil
	case !im.isOwnTable(n.Relation):
		return true, nil
	}
	set, condition, ok := splitBackfillUpdate(b)
	if !ok {
		return false, nil
	}
	out := &fill{where: condition}
	if condition != "" {
		node := pgparse.ParseExpression(condition)
		if node == nil {
			return false, nil
		}
		if known, err := im.isPredictable(node); err != nil || !known {
			return false, err
		}
	}
	for _, item := range pgparse.SplitClauses(set, 0) {
		text := set[item.Start:item.End]
		end := pgparse.NameEnd(text, 0)
		value := strings.TrimSpace(text[end:])
		if end == 0 || !strings.HasPrefix(value, "=") || len(out.columns) >= len(n.TargetList) {
			return false, nil
		}
		value = strings.TrimSpace(value[1:])
		node := pgparse.ParseExpression(value)
		known := false
		if node != nil {
			if known, err = im.isPredictable(node); err != nil {
				return false, err
			}
		}
		name := n.TargetList[len(out.columns)].GetResTarget().GetName()
		if slices.Contains(im.t.Order, name) { // rows are read in its order
			return false, nil
		}
		out.columns, out.values, out.known = append(out.columns, name), append(out.values, value), append(out.known, known)
	}
	im.fills = append(im.fills, out)
	return len(out.columns) == len(n.TargetList), nil
}

// splitBackfillUpdate splits the work of a backfill into its assignments and its condition: the work
// is UPDATE table AS t SET assignments FROM batch WHERE keys [AND (condition)].
func splitBackfillUpdate(b *onward.PlannedBackfill) (set, condition string, ok bool) {
	text, ok := strings.CutPrefix(b.Work, "UPDATE "+b.Table+" AS t SET ")
	if !ok {
		return "", "", false
	}
	keys := make([]string, len(b.Keys))
	for i, k := range b.Keys {
		keys[i] = fmt.Sprintf("t.%s = batch.onward_key%d", k, i+1)
	}
	set, condition, ok = strings.Cut(text, " FROM batch WHERE "+strings.Join(keys, " AND "))
	if !ok || condition == "" {
		return set, "", ok
	}
	condition, opened := strings.CutPrefix(condition, " AND (")
	condition, closed := strings.CutSuffix(condition, ")")
	return set, condition, opened && closed
}
