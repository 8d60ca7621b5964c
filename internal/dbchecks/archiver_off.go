package dbchecks

import (
	"github.com/onward-sql/onward/internal/rule"
	"github.com/onward-sql/onward/onward"
)

var archiverOff = &Check{Rule: rule.Rule{
	ID:       "archiver-off",
	Category: onward.Configuration, Severity: onward.Warning,
	Summary: "The server does not archive its WAL",
	Harm: "After a migration that destroyed something, nobody can restore the moment before. " +
		"There is only the last base backup or dump, without all later writes. Replicas do not help: they repeat the loss. " +
		"A server whose WAL is streamed to an archive (pg_receivewal, Barman) is not reported.",
	Instead: "Archive WAL with a backup tool (archive_mode = on, archive_command or archive_library); or take a dump or snapshot right before the migration.",
	Manual:  []string{"https://www.postgresql.org/docs/current/continuous-archiving.html"},
}, Scope: onward.ScopeServer, Look: checkArchivingOff}

func checkArchivingOff(p *Pass) error {
	mode := p.settings["archive_mode"]
	if mode == "always" || mode == "on" && !p.recovery || p.recovery && mode != "off" {
		command, library := p.settings["archive_command"], p.settings["archive_library"]
		if p.stats && command == "" && library == "" || command == "(disabled)" && library == "" {
			p.AddFinding(onward.Off, "", "archive_mode is "+mode+", and there is neither archive_command nor archive_library",
				"WAL piles up and is archived nowhere, until the disk is full", "set archive_command or archive_library, then:\nSELECT pg_reload_conf();")
		}
		return nil
	}
	receivers := 0
	err := p.Each(`SELECT count(*)::int FROM pg_stat_replication WHERE application_name ~* '(receivewal|receive_wal|barman|pgbackrest|wal-g)'`, nil,
		[]any{&receivers}, func() {})
	if err != nil || receivers > 0 {
		return err
	}
	p.AddFinding(onward.Off, "", "the server archives no WAL (archive_mode is "+mode+")",
		"after a migration that destroys something, the last base backup or dump is all there is: what was written since is lost",
		"archive WAL, or take a dump or a snapshot right before the migration")
	return nil
}
