package dbchecks

import (
	"fmt"
	"strconv"

	"github.com/onward-sql/onward/internal/rule"
	"github.com/onward-sql/onward/internal/size"
	"github.com/onward-sql/onward/onward"
)

// diskShort gets the free bytes from a query of the user, or from the file system if the
// server is on this machine.
var diskShort = &Check{Rule: rule.Rule{
	ID:       "disk-short",
	Category: onward.Configuration, Severity: onward.Warning,
	Summary: "The free disk does not hold a rewrite of the largest table and its WAL",
	Harm: "A statement that rewrites a table writes a second copy of it and its indexes, an index build sorts on disk, and both write as much WAL; " +
		"a backfill leaves a dead row for each row. If the disk is full, the statement fails; " +
		"if it is the disk of pg_wal, the server stops. Less room than the WAL that the server itself may keep (max_wal_size) is an error. " +
		"The check uses the size of the largest table that the release touches, or else of the database, as the last VACUUM or ANALYZE found it.",
	Instead: "Make room before the migration. preflight: in onward.yaml has `disk`, a query that gives the free bytes; " +
		"a server does not tell them, and only over a socket on the same machine they are looked up.",
	Manual: []string{"https://www.postgresql.org/docs/current/disk-full.html"},
}, Scope: onward.ScopeServer, Metric: "disk_free_bytes", Help: "Bytes that are free for the server's files.", Look: checkDisk}

// The sizes date from the last VACUUM or ANALYZE. Exact sizes would lock each table, and
// wait for others who have locked it.
const largestSQL = `
WITH indexes AS (SELECT i.indrelid, sum(greatest(x.relpages, 0)) AS pages FROM pg_index i JOIN pg_class x ON x.oid = i.indexrelid GROUP BY 1)
SELECT n.nspname, c.relname, (greatest(c.relpages, 0) + greatest(coalesce(t.relpages, 0), 0) + coalesce(i.pages, 0) + coalesce(ti.pages, 0))::bigint * current_setting('block_size')::bigint
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace LEFT JOIN pg_class t ON t.oid = c.reltoastrelid
	LEFT JOIN indexes i ON i.indrelid = c.oid LEFT JOIN indexes ti ON ti.indrelid = t.oid
WHERE c.relkind IN ('r', 'm') AND c.relpersistence <> 't' AND @user AND ($1::text[] IS NULL OR n.nspname || '.' || c.relname = ANY($1::text[]))
ORDER BY 3 DESC LIMIT 1`

func checkDisk(p *Pass) error {
	free := int64(-1)
	switch {
	case p.Limits.Disk != "":
		var bytes float64 = -1
		sql := "SELECT coalesce(min(free::text::float8), -1) FROM (" + trimSemicolon(p.Limits.Disk) + ") AS q (free)"
		if ok, err := p.runConfigured("how much disk is free", p.Limits.Disk, sql, &bytes); !ok {
			return err
		}
		free = int64(bytes)
	case p.Free != nil:
		free = p.Free(p.settings["data_directory"])
	}
	if free < 0 {
		p.AddOpaque("how much disk is free", "a server does not tell: name a query that knows it in onward.yaml: preflight: {disk: \"SELECT …\"}")
		return nil
	}
	p.AddMeasure("", float64(free))
	if wal := p.remainingWAL(); free < wal {
		p.AddFinding(onward.Error, "", fmt.Sprintf("%s of disk are free, and the server may write %s of WAL before it clears any (max_wal_size)",
			size.FormatBytes(free), size.FormatBytes(wal)),
			"a migration that writes much fails when the disk is full, and the server stops with it", "make room before the migration")
		return nil
	}
	var schema, name string
	var bytes int64
	if err := p.Each(largestSQL, []any{p.Touched}, []any{&schema, &name, &bytes}, func() {}); err != nil {
		return err
	}
	if need := 2 * bytes; free < need {
		shown, _, qualified := formatRelation(schema, name)
		p.AddFinding(onward.Off, qualified, fmt.Sprintf("%s of disk are free; a rewrite of %s (%s with its indexes) takes as much again, and as much WAL: %s",
			size.FormatBytes(free), shown, size.FormatBytes(bytes), size.FormatBytes(need)),
			"a statement that rewrites it, or a backfill, fails when the disk is full, and the server may stop", "make room before the migration, "+
				"or change the table in batches with VACUUM in between")
	}
	return nil
}

// fewSegments is the least space that a server needs to go on: two segments of WAL.
const fewSegments = 32 << 20

// remainingWAL returns how much WAL the server may add: its limit minus the existing WAL, if
// that can be seen.
func (p *Pass) remainingWAL() int64 {
	megabytes, _ := strconv.ParseInt(p.settings["max_wal_size"], 10, 64)
	limit, walSize := megabytes<<20, int64(0)
	if p.files {
		// Unknown WAL counts as nothing, so that the need is not underestimated.
		_ = p.Each("SELECT coalesce(sum(size), 0)::bigint FROM pg_ls_waldir()", nil, []any{&walSize}, func() {})
	}
	return max(fewSegments, limit-walSize)
}
