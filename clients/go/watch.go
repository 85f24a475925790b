package pba

import (
	"context"
	"io"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"

	"pba.internal/clients/go/pbav1"
)

// Watch hands over the newest forecast of each link in request, and a new one whenever a link has a
// newer sample. It returns when ctx ends, when handle returns an error, or when the service refuses.
//
// A stream that ended, with its router or after some minutes, is opened again where it was: no
// newest forecast is missed. While handle works, forecasts of the same link replace each other.
func (client *Client) Watch(ctx context.Context, request *pbav1.WatchRequest, handle func(*pbav1.Forecast) error) error {
	token := request.GetResumeToken()
	return repeat(ctx, func(progress func()) (metadata.MD, error) {
		next := &pbav1.WatchRequest{LinkIds: request.LinkIds, Prefixes: request.Prefixes}
		if token != "" {
			next.ResumeToken = &token
		}
		stream, err := client.Predictor.Watch(ctx, next)
		if err != nil {
			return nil, err
		}
		for {
			response, err := stream.Recv()
			if err != nil {
				return stream.Trailer(), err
			}
			progress()
			for _, forecast := range response.Forecasts {
				if err := handle(forecast); err != nil {
					return nil, stop{err}
				}
			}
			token = response.ResumeToken
		}
	})
}

// WatchEvents hands over events as they happen, first those after the last that request names. It
// returns as Watch does, and misses no event.
func (client *Client) WatchEvents(ctx context.Context, request *pbav1.WatchEventsRequest, handle func(*pbav1.Event) error) error {
	last := request.After
	return repeat(ctx, func(progress func()) (metadata.MD, error) {
		next := &pbav1.WatchEventsRequest{Kind: request.Kind, LinkId: request.LinkId, After: last}
		stream, err := client.Predictor.WatchEvents(ctx, next)
		if err != nil {
			return nil, err
		}
		for {
			response, err := stream.Recv()
			if err != nil {
				return stream.Trailer(), err
			}
			progress()
			for _, event := range response.Events {
				if err := handle(event); err != nil {
					return nil, stop{err}
				}
				number := event.Number
				last = &number
			}
		}
	})
}

// stop is an error of the caller's own, which ends a watch.
type stop struct{ error }

// repeat opens one stream after the other. watch calls progress for each response.
func repeat(ctx context.Context, watch func(progress func()) (metadata.MD, error)) error {
	for failures := 0; ; failures++ {
		trailer, err := watch(func() { failures = 0 })
		if own, is := err.(stop); is {
			return own.error
		}
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if err != io.EOF && !passes(err) {
			return errorOf(err, trailer)
		}
		wait := backoffOf(failures)
		if pushback, asked := pushbackOf(trailer); asked && failures > 0 {
			wait = pushback
		}
		if !sleep(ctx, wait) {
			return ctx.Err()
		}
	}
}

// passes tells whether a stream that ended with err may be opened again.
func passes(err error) bool {
	switch status.Code(err) {
	case codes.Unavailable, codes.ResourceExhausted, codes.Internal, codes.Unknown:
		return true
	}
	return false
}
