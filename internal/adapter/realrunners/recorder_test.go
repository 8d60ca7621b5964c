package realrunners

import (
	"context"
	"database/sql/driver"
	"errors"
)

// recorder is a database/sql driver that writes down what it is asked.
type recorder struct{ calls []string }

func (r *recorder) Connect(context.Context) (driver.Conn, error) { return recorderConn{r}, nil }
func (r *recorder) Driver() driver.Driver                        { return nil }

type recorderConn struct{ *recorder }

func (c recorderConn) Prepare(string) (driver.Stmt, error) {
	return nil, errors.New("the recorder prepares nothing")
}

func (c recorderConn) Close() error { return nil }

func (c recorderConn) Begin() (driver.Tx, error) {
	c.calls = append(c.calls, "BEGIN")
	return recorderTx(c), nil
}

func (c recorderConn) ExecContext(_ context.Context, query string, args []driver.NamedValue) (driver.Result, error) {
	if len(args) > 0 {
		return nil, errors.New("a migration has no arguments")
	}
	c.calls = append(c.calls, query)
	return driver.RowsAffected(0), nil
}

type recorderTx struct{ *recorder }

func (t recorderTx) Commit() error {
	t.calls = append(t.calls, "COMMIT")
	return nil
}

func (t recorderTx) Rollback() error {
	t.calls = append(t.calls, "ROLLBACK")
	return nil
}
