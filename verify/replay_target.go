package verify

import (
	"cmp"
	"context"
	"maps"
	"net"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/onward-sql/onward/internal/replay"
	"github.com/onward-sql/onward/internal/transcript"
)

// prepareTemplate makes the database on which a lane begins. why says that it cannot be made.
func (r *replayer) prepareTemplate(ctx context.Context, lane *replay.DatabaseLane, templates map[string]string) (template, why string, err error) {
	t := lane.Tests.Transcript
	switch {
	case lane.Template != "" && templates[lane.Template] != "":
		template, err = r.stage.CopyOf(ctx, templates[lane.Template])
	case lane.Template != "" && lane.Template != t.Database:
		return "", "it is a copy of " + lane.Template + ", which was not recorded", nil
	case lane.Created && lane.Template == "", t.Start == transcript.StartsEmpty:
		if lane.Setup.Begin == lane.Setup.End {
			return "", "it had no schema, and the command did not run the deployed migrations there: record with --schema base", nil
		}
		template, err = r.stage.Empty(ctx)
	default:
		template, err = r.stage.Copy(ctx)
	}
	if err != nil || lane.Setup.Begin == lane.Setup.End {
		return template, "", err
	}
	answers, err := replay.Play(ctx, lane.Setup, r.targetOf(t, template))
	if err != nil {
		return "", "", err
	}
	for _, a := range answers {
		if before := lane.Setup.Recorded[a.Event]; before != nil && before.SQLState == "" && a.SQLState != "" {
			return "", "its schema could not be made again: " + describeRefusal(a), nil
		}
	}
	return template, "", nil
}

// targetOf connects to a database as the roles of the recording.
func (r *replayer) targetOf(t *transcript.Transcript, database string) replay.Target {
	return replay.Target{
		Patience: answerTime,
		Open: func(ctx context.Context, s *transcript.Session) (net.Conn, uint32, error) {
			config, err := pgconn.ParseConfig(r.stage.URL(database))
			if err != nil {
				return nil, 0, err
			}
			if config.User, err = r.userOf(ctx, t, s, config.User); err != nil {
				return nil, 0, err
			}
			maps.Copy(config.RuntimeParams, s.Parameters)
			conn, err := pgconn.ConnectConfig(ctx, config)
			if err != nil {
				return nil, 0, err
			}
			raw, err := conn.Hijack()
			if err != nil {
				return nil, 0, err
			}
			return raw.Conn, raw.PID, nil
		},
		Cancel: func(ctx context.Context, pid uint32) {
			conn, err := r.stage.Server().Connect(ctx, "", "")
			if err != nil {
				return
			}
			defer conn.Close(ctx)
			_, _ = conn.Exec(ctx, "SELECT pg_catalog.pg_cancel_backend($1)", pgx.QueryExecModeExec, int32(pid)) //nolint:gosec // a process number
		},
	}
}

// usableQuery reports whether the schema has a role that reaches no more than its database.
const usableQuery = `SELECT EXISTS (SELECT FROM pg_catalog.pg_roles r WHERE rolname OPERATOR(pg_catalog.=) $1 AND NOT rolsuper
AND oid OPERATOR(pg_catalog.>=) 16384::pg_catalog.oid AND NOT EXISTS (SELECT FROM pg_catalog.pg_roles p WHERE pg_catalog.pg_has_role(r.oid, p.oid, 'MEMBER')
AND (p.rolsuper OR p.rolname OPERATOR(pg_catalog.=) ANY ('{pg_execute_server_program,pg_read_server_files,pg_write_server_files}'))))`

// userOf returns the role that a session is replayed as: its own, if the schema has a role of that name that reaches no more than its database. Otherwise it
// is the role of the migrations, which owns what the recorded command's role owned. A role of the migrations may not be able to log in on this server, as it
// was when it was recorded: it is made able to.
func (r *replayer) userOf(ctx context.Context, t *transcript.Transcript, s *transcript.Session, owner string) (string, error) {
	if s.User == t.User {
		return owner, nil
	}
	if user, known := r.users[s.User]; known {
		return cmp.Or(user, owner), nil
	}
	conn, err := r.stage.Server().Connect(ctx, "", "")
	if err != nil {
		return "", err
	}
	defer conn.Close(ctx)
	var usable bool
	if err = conn.QueryRow(ctx, usableQuery, pgx.QueryExecModeExec, s.User).Scan(&usable); err != nil {
		return "", err
	}
	r.users[s.User] = ""
	if usable {
		if _, err := conn.Exec(ctx, "ALTER ROLE "+pgx.Identifier{s.User}.Sanitize()+" LOGIN"); err != nil {
			return "", err
		}
		r.users[s.User] = s.User
	}
	return cmp.Or(r.users[s.User], owner), nil
}

// playLane replays a lane on a copy of a database, or on a database that is dropped then.
func (r *replayer) playLane(ctx context.Context, lane *preparedLane, database string) ([]*replay.Answer, error) {
	defer func() { _ = r.stage.Server().DropDatabase(context.WithoutCancel(ctx), database) }()
	return replay.Play(ctx, lane.Lane, r.targetOf(lane.Transcript, database))
}
