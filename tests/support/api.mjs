// The HTTP API as a script sees it: any method, any header, bodies as octets.
import { Buffer } from 'node:buffer'

// {status, headers, body (Buffer), json}. `body` of the request: a string or Buffer, or an object to be sent as JSON.
export async function call(server, method, target, { headers = {}, body, token = server.token } = {}) {
  const isJson = body !== undefined && !(body instanceof Buffer) && typeof body !== 'string'
  const answer = await fetch(server.base + target, {
    method,
    headers: {
      ...(token ? { authorization: `Bearer ${token}` } : {}),
      ...(isJson ? { 'content-type': 'application/json' } : {}),
      ...headers
    },
    body: isJson ? JSON.stringify(body) : body
  })
  const bytes = Buffer.from(await answer.arrayBuffer())
  let json
  if (/^application\/json/.test(answer.headers.get('content-type') ?? '') && bytes.length > 0) json = JSON.parse(bytes.toString())
  return { status: answer.status, headers: answer.headers, body: bytes, text: bytes.toString(), json }
}
