package session

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/onward-sql/onward/internal/live"
)

// OpenWorkers opens the sessions of the workers beside the work session.
func (s *Session) OpenWorkers(ctx context.Context, count int) error {
	for len(s.Workers) < count-1 {
		conn, err := live.ConnectBound(ctx, s.URL, workName, nil, s.Silence)
		if err != nil {
			return err
		}
		s.Workers = append(s.Workers, conn)
	}
	return nil
}

// Open opens both sessions, closing earlier ones.
func (s *Session) Open(ctx context.Context) error {
	s.Close(ctx)
	err := s.Control.Do(ctx, func(ctx context.Context, conn *pgx.Conn) (err error) {
		if s.Major, err = PrimaryVersion(ctx, conn); err == nil {
			s.AutovacuumYields, err = canMakeAutovacuumYield(ctx, conn, s.Major)
		}
		if err == nil {
			s.role, err = readRoleSettings(ctx, conn, s.Major)
		}
		return err
	})
	if err == nil {
		s.Work, err = live.ConnectBound(ctx, s.URL, workName, nil, s.Silence)
	}
	if err == nil {
		s.readSettings = live.ReadSettings(s.Work)
	}
	return err
}

// Close closes the sessions on the primary.
func (s *Session) Close(ctx context.Context) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Second)
	defer cancel()
	if s.Work != nil {
		_ = s.Work.Close(ctx) // the ledger knows what is lost with it
	}
	for _, w := range s.Workers {
		_ = w.Close(ctx)
	}
	s.Workers = nil
	s.Control.Close(ctx)
}
