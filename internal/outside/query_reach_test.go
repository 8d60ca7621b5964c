package outside

import (
	"strings"
	"testing"
)

func TestRefuseQuery(t *testing.T) {
	t.Parallel()
	for sql, want := range map[string]string{
		"SELECT free_bytes FROM ops.disks":                                                            "",
		"SELECT max(ended_at) FROM ops.backups;":                                                      "",
		"SELECT count(*) > 100 FROM pg_stat_activity":                                                 "",
		"SELECT max(pg_wal_lsn_diff(pg_current_wal_lsn(), replay_lsn)) FROM pg_stat_replication":      "",
		"SELECT count(*) FROM pg_ls_waldir()":                                                         "",
		"SELECT pg_database_size(current_database())":                                                 "",
		"SELECT now() - pg_last_xact_replay_timestamp() > interval '1 min'":                           "",
		"SELECT n FROM app.queue WHERE ops.is_busy(id)":                                               "",
		"WITH a AS (SELECT 1 AS n) SELECT n FROM a UNION SELECT 2":                                    "",
		"SELECT pg_terminate_backend(pid) FROM pg_stat_activity":                                      "it calls pg_terminate_backend",
		`SELECT pg_catalog."pg_cancel_backend"(1)`:                                                    "it calls pg_cancel_backend",
		"SELECT free FROM ops.disks WHERE EXISTS (SELECT FROM (SELECT pg_terminate_backend(1)) AS x)": "it calls pg_terminate_backend",
		"SELECT ext.dblink_exec('host=x', 'DROP TABLE t')":                                            "it calls dblink_exec",
		"SELECT * FROM dblink('host=x', 'SELECT 1') AS t (n int)":                                     "it calls dblink",
		"SELECT pg_reload_conf()":                                                                     "it calls pg_reload_conf",
		"SELECT pg_switch_wal()":                                                                      "it calls pg_switch_wal",
		"SELECT pg_logical_emit_message(false, 'a', 'b')":                                             "it calls pg_logical_emit_message",
		"SELECT pg_stat_reset()":                                                                      "it calls pg_stat_reset",
		"SELECT pg_stat_statements_reset()":                                                           "it calls pg_stat_statements_reset",
		"SELECT pg_advisory_lock(1)":                                                                  "it calls pg_advisory_lock",
		"SELECT pg_sleep(1000)":                                                                       "it calls pg_sleep",
		"SELECT pg_drop_replication_slot('s')":                                                        "it calls pg_drop_replication_slot",
		"SELECT pg_promote()":                                                                         "it calls pg_promote",
		"SELECT lo_export(1, '/tmp/x')":                                                               "it calls lo_export",
		"SELECT pg_read_file('/etc/passwd')":                                                          "it calls pg_read_file",
		"SELECT set_config('statement_timeout', '0', false)":                                          "it calls set_config",
		"SELECT query_to_xml('DELETE FROM t', true, true, '')":                                        "it calls query_to_xml",
		"SELECT aws_s3.query_export_to_s3('SELECT 1', 'bucket')":                                      "it calls query_export_to_s3",
		"SELECT 1 INTO t":                                                                             "it makes a table",
		"SELECT 1; DROP TABLE t":                                                                      "it is not one SELECT",
		"1), pg_terminate_backend(1":                                                                  "it is not one SELECT",
		"COPY t TO PROGRAM 'x'":                                                                       "it is not one SELECT",
		"DELETE FROM t RETURNING 1":                                                                   "it is not one SELECT",
		"SELECT 1) AS q; COMMIT; SELECT (1":                                                           "it is not one SELECT",
		"":                                                                                            "it is not one SELECT",
	} {
		if got := RefuseQuery(sql); (want == "") != (got == "") || !strings.HasPrefix(got, want) {
			t.Errorf("%s: %q, want %q", sql, got, want)
		}
	}
}
