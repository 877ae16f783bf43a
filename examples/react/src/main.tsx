import { createClient, isProblem } from '@hostkey-s3-gateway/client'
import { QueryClient, QueryClientProvider, useInfiniteQuery, useQuery, useQueryClient } from '@tanstack/react-query'
import { useState } from 'react'
import { createRoot } from 'react-dom/client'

const gateway = createClient({ baseUrl: '/api' })
// The client retries reads itself.
const queries = new QueryClient({ defaultOptions: { queries: { retry: false } } })

const App = () => {
  const {
    data: session,
    error,
    isPending
  } = useQuery({
    queryKey: ['session'],
    queryFn: ({ signal }) => gateway.GET('/session', { signal })
  })
  if (session) return <Files s3uid="s3_user_1" bucket="holiday-pictures" />
  if (isPending) return <p>…</p>
  return isProblem(error, 'unauthenticated', 'session-expired') ? <Login /> : <p role="alert">{error.message}</p>
}

const Login = () => {
  const [failure, setFailure] = useState('')
  const query = useQueryClient()
  const logIn = async (form: FormData) => {
    try {
      await gateway.login({ email: String(form.get('email')), password: String(form.get('password')) })
      await query.invalidateQueries()
    } catch (error) {
      setFailure(error instanceof Error ? error.message : String(error))
    }
  }
  return (
    <form action={logIn}>
      <input name="email" type="email" placeholder="E-mail" autoComplete="username" required />
      <input name="password" type="password" placeholder="Password" autoComplete="current-password" required />
      <button type="submit">Log in</button>
      <p role="alert">{failure}</p>
    </form>
  )
}

const Files = ({ s3uid, bucket }: { s3uid: string; bucket: string }) => {
  const { data, error, hasNextPage, isFetching, fetchNextPage } = useInfiniteQuery(
    gateway.listFilesInfinite(s3uid, bucket, { recursive: true })
  )
  const files = data?.pages.flatMap(({ items }) => items) ?? []
  return (
    <>
      <h1>{bucket}</h1>
      {error && <p role="alert">{error.message}</p>}
      <ul>
        {files.map(({ path, sizeBytes }) => (
          <li key={path}>
            <bdi>{path}</bdi> ({sizeBytes} bytes)
          </li>
        ))}
      </ul>
      {hasNextPage && (
        <button type="button" disabled={isFetching} onClick={() => fetchNextPage()}>
          More
        </button>
      )}
    </>
  )
}

const root = document.getElementById('app')
if (root)
  createRoot(root).render(
    <QueryClientProvider client={queries}>
      <App />
    </QueryClientProvider>
  )
