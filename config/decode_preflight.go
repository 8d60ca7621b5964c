package config

import (
	"strconv"

	"go.yaml.in/yaml/v3"

	"github.com/onward-sql/onward/internal/outside"
	"github.com/onward-sql/onward/internal/pgparse"
)

// decodePreflight reads the configuration of onward preflight.
func (d *decoder) decodePreflight(n *yaml.Node, p *Preflight) {
	d.decodeMapping(n, "preflight", []field{
		{"disk", func(n *yaml.Node) { p.Disk = d.decodeQuery(n) }},
		{"backup", func(n *yaml.Node) { p.Backup = d.decodeQuery(n) }},
		{"backup_days", func(n *yaml.Node) { p.BackupDays = d.decodeDays(n) }},
		{"certificate_warning_days", func(n *yaml.Node) { p.CertificateWarningDays = d.decodeDays(n) }},
		{"certificate_error_days", func(n *yaml.Node) { p.CertificateErrorDays = d.decodeDays(n) }},
		{"transaction_age", func(n *yaml.Node) { p.TransactionAge = d.decodeTimeout(n) }},
		{"replica_lag", func(n *yaml.Node) { p.ReplicaLag = d.decodeTimeout(n) }},
		{"slot_wal", func(n *yaml.Node) { p.SlotWAL = Bytes(d.decodeBytes(n, "")) }},
	})
}

// decodeQuery reads one SELECT. Any other statement could have an effect.
func (d *decoder) decodeQuery(n *yaml.Node) string {
	before := len(d.errs)
	text := d.decodeText(n)
	if len(d.errs) > before {
		return ""
	}
	if pgparse.ParseStatement(text).GetSelectStmt() == nil {
		d.addError(n, "a query is needed here: one SELECT with one column")
		return ""
	}
	if reason := outside.RefuseQuery(text); reason != "" {
		d.addError(n, "this query is not run on a production server: %s. Write one SELECT that only reads", reason)
		return ""
	}
	return text
}

// decodeDays reads a number of days.
func (d *decoder) decodeDays(n *yaml.Node) int {
	before := len(d.errs)
	text := d.decodeText(n)
	days, err := strconv.Atoi(text)
	if len(d.errs) == before && (err != nil || days < 1 || days > 3650) {
		d.addError(n, "%q is no number of days: write one from 1 to 3650", text)
		return 0
	}
	return days
}
