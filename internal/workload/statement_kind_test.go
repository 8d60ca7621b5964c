package workload

import "testing"

// Names that drivers number become one statement: a test suite has ten thousand
// savepoints.
func TestOfSession(t *testing.T) {
	t.Parallel()
	for sql, want := range map[string]string{
		`SAVEPOINT "s140_x17"`:                         "SAVEPOINT s",
		`RELEASE SAVEPOINT "s140_x17"`:                 "RELEASE SAVEPOINT s",
		`ROLLBACK TO SAVEPOINT "s140_x17"`:             "ROLLBACK TO SAVEPOINT s",
		`DEALLOCATE stmtcache_11`:                      "DEALLOCATE p",
		`DEALLOCATE ALL`:                               "DEALLOCATE ALL",
		`CLOSE "_django_curs_9_sync_1"`:                "CLOSE c",
		`CLOSE ALL`:                                    "CLOSE ALL",
		`FETCH FORWARD 100 FROM "_curs_9"`:             "FETCH FORWARD … FROM c",
		`FETCH FORWARD 100 FROM curs9`:                 "FETCH FORWARD … FROM c",
		`EXECUTE find_user('secret', 3)`:               "EXECUTE p",
		`COMMIT`:                                       "COMMIT",
		`SET TRANSACTION ISOLATION LEVEL SERIALIZABLE`: "SET TRANSACTION ISOLATION LEVEL SERIALIZABLE",
	} {
		n := Normalize(sql)
		if n.SQL != want || n.Kind != Other {
			t.Errorf("%s is %q (%s), want %q", sql, n.SQL, n.Kind, want)
		}
		if renormalized := Normalize(n.SQL); renormalized.SQL != want {
			t.Errorf("%s is %q when it is read again", want, renormalized.SQL)
		}
	}
}
