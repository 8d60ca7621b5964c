package session

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/onward-sql/onward/apply/internal/run"
	"github.com/onward-sql/onward/internal/address"
	"github.com/onward-sql/onward/internal/live"
)

// ConnectStandbys connects to the standbys of a primary.
func ConnectStandbys(ctx context.Context, primary *pgx.Conn, addresses []string) ([]*live.Standby, error) {
	var list []*live.Standby
	for _, url := range addresses {
		s, err := live.ConnectStandby(ctx, primary, url, standbyName)
		if err != nil {
			for _, s := range list {
				s.Close(ctx)
			}
			if run.IsAny[*live.NotStandbyError](err) {
				return nil, run.NewInputError(err.Error() + ": --replica takes standbys of the database that --db names, and that database there")
			}
			return nil, address.RedactError(err, url)
		}
		list = append(list, s)
	}
	return list, nil
}

// CloseStandbys closes the sessions on standbys. A later query reconnects.
func CloseStandbys(ctx context.Context, list []*live.Standby) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Second)
	defer cancel()
	for _, s := range list {
		s.Close(ctx)
	}
}

// DescribeStandbyError says why the standby with this index cannot be asked.
func (s *Session) DescribeStandbyError(index int, err error) string {
	if run.IsAny[*live.NotStandbyError](err) {
		return err.Error()
	}
	return "the standby " + s.Standbys[index].Name() + " cannot be asked: " + address.RedactError(err, s.Replicas[index]).Error()
}
