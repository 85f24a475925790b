package pba

import (
	"context"
	"math/rand"
	"path"
	"strconv"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
)

const maxWait = 30 * time.Second

// changes are calls that are repeated only where the service says that nothing was done: where the
// answer alone was lost, a second try would report a conflict although the first one succeeded.
var changes = map[string]bool{
	"DeleteLink": true, "SetFlags": true, "PromoteModel": true, "RollBackModel": true,
}

// retrier repeats calls where the service is busy or away.
type retrier struct {
	key     string
	timeout time.Duration
	retries int
}

func retrierOf(config Config) *retrier {
	calls := &retrier{key: config.Key, timeout: config.Timeout, retries: config.Retries}
	if calls.timeout == 0 {
		calls.timeout = defaultTimeout
	}
	if calls.retries == 0 {
		calls.retries = defaultRetries
	}
	return calls
}

func (calls *retrier) unary(ctx context.Context, method string, request, reply interface{}, connection *grpc.ClientConn, invoke grpc.UnaryInvoker, options ...grpc.CallOption) error {
	if _, has := ctx.Deadline(); !has {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, calls.timeout)
		defer cancel()
	}
	ctx = withKey(ctx, calls.key)
	for try := 0; ; try++ {
		var trailer metadata.MD
		err := invoke(ctx, method, request, reply, connection, append(options, grpc.Trailer(&trailer))...)
		if err == nil {
			return nil
		}
		wait, again := waitBefore(path.Base(method), err, trailer, try)
		if !again || try >= calls.retries || !sleep(ctx, wait) {
			return errorOf(err, trailer)
		}
	}
}

func (calls *retrier) stream(ctx context.Context, description *grpc.StreamDesc, connection *grpc.ClientConn, method string, open grpc.Streamer, options ...grpc.CallOption) (grpc.ClientStream, error) {
	return open(withKey(ctx, calls.key), description, connection, method, options...)
}

// waitBefore returns how long to wait before the next try, and whether there may be one.
func waitBefore(method string, err error, trailer metadata.MD, try int) (time.Duration, bool) {
	pushback, asked := pushbackOf(trailer)
	switch status.Code(err) {
	case codes.Unavailable:
		if changes[method] && len(trailer.Get("pba-error-code")) == 0 {
			return 0, false
		}
	case codes.ResourceExhausted: // without a time to wait, something is too large
		if !asked {
			return 0, false
		}
	default:
		return 0, false
	}
	if asked {
		return pushback, true
	}
	return backoffOf(try), true
}

// pushbackOf returns the wait that the service asks for.
func pushbackOf(trailer metadata.MD) (time.Duration, bool) {
	values := trailer.Get("grpc-retry-pushback-ms")
	if len(values) == 0 {
		return 0, false
	}
	milliseconds, err := strconv.Atoi(values[0])
	if err != nil || milliseconds < 0 {
		return 0, false
	}
	wait := time.Duration(milliseconds) * time.Millisecond
	if wait > maxWait {
		wait = maxWait
	}
	return wait, true
}

// backoffOf returns a random wait of up to 0.1 s, then 0.2 s and so on, so that callers who failed
// together do not return together.
func backoffOf(try int) time.Duration {
	if try > 6 {
		try = 6
	}
	return time.Duration(rand.Int63n(int64(100*time.Millisecond) << try))
}

// sleep waits, and returns whether ctx still lasts.
func sleep(ctx context.Context, wait time.Duration) bool {
	timer := time.NewTimer(wait)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}
