package verify

import (
	"cmp"
	"context"
	"errors"
	"maps"
	"net"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/onward-sql/onward/internal/replay"
	"github.com/onward-sql/onward/internal/transcript"
	"github.com/onward-sql/onward/onward"
)

// prepareTemplate makes the database on which a lane begins. reason says why it cannot be made; "" if it was.
func (r *replayer) prepareTemplate(
	ctx context.Context, code onward.Code, lane *replay.DatabaseLane, templates map[string]*madeTemplate,
) (_ *madeTemplate, reason string, err error) {
	t := lane.Tests.Transcript
	out := &madeTemplate{lane: lane, copies: map[int]string{}}
	noSchema := "it had no schema, and the command did not run the deployed migrations there: record with --schema base"
	if lane.Guessed {
		var found bool
		if out.lane, found, reason, err = r.findSetup(ctx, code, lane); err != nil {
			return nil, "", err
		}
		if lane = out.lane; !found && lane.Setup.Begin == lane.Setup.End {
			if reason != "" {
				noSchema = "its schema never was the one that the code is made for: it lacks " + reason
			}
			return nil, noSchema, nil
		}
	}
	switch {
	case lane.Template != "" && templates[lane.Template] != nil:
		if out.database, reason, err = r.copyTemplate(ctx, templates[lane.Template], lane); reason != "" {
			return nil, reason, err
		}
	case lane.Template != "" && lane.Template != t.Database:
		return nil, "it is a copy of " + lane.Template + ", which was not recorded", nil
	case lane.Created && lane.Template == "", t.Start == transcript.StartsEmpty:
		if lane.Setup.Begin == lane.Setup.End {
			return nil, noSchema, nil
		}
		out.database, err = r.makeEmptyDatabase(ctx)
	default:
		out.database, err = r.stage.Copy(ctx)
	}
	if err != nil || lane.Setup.Begin == lane.Setup.End {
		return out, "", err
	}
	reason, err = r.replaySetup(ctx, lane.Setup, out.database)
	return out, reason, err
}

// makeEmptyDatabase makes an empty database, whose schema public the role of the migrations may drop, as the recorded command could. Before Postgres
// 15 the owner of a database does not own it.
func (r *replayer) makeEmptyDatabase(ctx context.Context) (database string, err error) {
	if database, err = r.stage.Empty(ctx); err != nil {
		return "", err
	}
	config, err := pgconn.ParseConfig(r.stage.URL(database))
	if err != nil {
		return "", err
	}
	conn, err := r.stage.Server().Connect(ctx, "", database)
	if err != nil {
		return "", err
	}
	defer func() { err = errors.Join(err, conn.Close(ctx)) }()
	_, err = conn.Exec(ctx, "ALTER SCHEMA public OWNER TO "+pgx.Identifier{config.User}.Sanitize())
	return database, err
}

// madeTemplate is the database on which a lane begins.
type madeTemplate struct {
	database string
	lane     *replay.DatabaseLane
	// copies are databases with what else was sent to it until it was copied, by the number of messages.
	copies map[int]string
}

// copyTemplate copies a database of the command as it was when the command copied it: with the rows that were written after its schema was made.
func (r *replayer) copyTemplate(ctx context.Context, from *madeTemplate, lane *replay.DatabaseLane) (database, reason string, err error) {
	tests := from.lane.Tests
	tests.End = max(tests.Begin, min(tests.End, lane.CopiedAt))
	messages := tests.CountMessages(tests.End)
	if messages == 0 {
		database, err = r.stage.CopyOf(ctx, from.database)
		return database, "", err
	}
	if from.copies[messages] == "" {
		database, err := r.stage.CopyOf(ctx, from.database)
		if err != nil {
			return "", "", err
		}
		if reason, err = r.replaySetup(ctx, tests, database); reason != "" || err != nil {
			return "", reason, err
		}
		from.copies[messages] = database
	}
	database, err = r.stage.CopyOf(ctx, from.copies[messages])
	return database, "", err
}

// replaySetup replays the messages that make a database. reason is set if the server refuses one that it did not refuse in the recording.
func (r *replayer) replaySetup(ctx context.Context, lane replay.Lane, database string) (reason string, err error) {
	answers, err := replay.Play(ctx, lane, r.newReplayTarget(lane.Transcript, database))
	if err != nil {
		return "", err
	}
	for _, a := range answers {
		if before := lane.Recorded[a.Event]; before != nil && before.SQLState == "" && a.SQLState != "" {
			return "its schema could not be made again: " + describeRefusal(a), nil
		}
	}
	return "", nil
}

// newReplayTarget returns a target that connects to a database as the roles of the recording.
func (r *replayer) newReplayTarget(t *transcript.Transcript, database string) replay.Target {
	return replay.Target{
		Patience: answerTime,
		Open: func(ctx context.Context, s *transcript.Session) (net.Conn, uint32, error) {
			config, err := pgconn.ParseConfig(r.stage.URL(database))
			if err != nil {
				return nil, 0, err
			}
			if config.User, err = r.replayRole(ctx, t, s, config.User); err != nil {
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

// replayRole returns the role that a session is replayed as: its own, if the schema has a role of that name that reaches no more than its database.
// Otherwise it is the role of the migrations, which owns what the recorded command's role owned. A role of the migrations may not
// be able to log in on this server, as it was when it was recorded: it is made able to.
func (r *replayer) replayRole(ctx context.Context, t *transcript.Transcript, s *transcript.Session, owner string) (string, error) {
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

// playLane replays a lane on a database, which is dropped then.
func (r *replayer) playLane(ctx context.Context, lane *preparedLane, database string) ([]*replay.Answer, error) {
	defer func() { _ = r.stage.Server().DropDatabase(context.WithoutCancel(ctx), database) }()
	if lane.schema != "" {
		if err := r.restoreSchemaNames(ctx, database, lane.schema); err != nil {
			return nil, err
		}
	}
	return replay.Play(ctx, lane.Lane, r.newReplayTarget(lane.Transcript, database))
}
