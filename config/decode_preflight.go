package config

import (
	"strconv"

	"github.com/goccy/go-yaml/ast"

	"github.com/onward-sql/onward/internal/outside"
	"github.com/onward-sql/onward/internal/pgparse"
)

// preflight reads what a running database is asked.
func (d *decoder) preflight(n ast.Node, p *Preflight) {
	d.mapping(n, "preflight", []field{
		{"disk", func(n ast.Node) { p.Disk = d.query(n) }},
		{"backup", func(n ast.Node) { p.Backup = d.query(n) }},
		{"backup_days", func(n ast.Node) { p.BackupDays = d.days(n) }},
		{"certificate_warning_days", func(n ast.Node) { p.CertificateWarningDays = d.days(n) }},
		{"certificate_error_days", func(n ast.Node) { p.CertificateErrorDays = d.days(n) }},
		{"transaction_age", func(n ast.Node) { p.TransactionAge = d.timeout(n) }},
		{"replica_lag", func(n ast.Node) { p.ReplicaLag = d.timeout(n) }},
		{"slot_wal", func(n ast.Node) { p.SlotWAL = Bytes(d.bytes(n, "")) }},
	})
}

// query reads one SELECT. What else a statement does is not for a question.
func (d *decoder) query(n ast.Node) string {
	before := len(d.errs)
	text := d.text(n)
	if len(d.errs) > before {
		return ""
	}
	f, err := pgparse.Split(text)
	if err != nil || len(f.Stmts) != 1 || f.Stmts[0].Node.GetSelectStmt() == nil {
		d.fail(n, "a query is needed here: one SELECT with one column")
		return ""
	}
	if why := outside.RefuseQuery(text); why != "" {
		d.fail(n, "this query is not run on a production server: %s. Write one SELECT that only reads", why)
		return ""
	}
	return text
}

// days reads a number of days.
func (d *decoder) days(n ast.Node) int {
	before := len(d.errs)
	text := d.text(n)
	days, err := strconv.Atoi(text)
	if len(d.errs) == before && (err != nil || days < 1 || days > 3650) {
		d.fail(n, "%q is no number of days: write one from 1 to 3650", text)
		return 0
	}
	return days
}
