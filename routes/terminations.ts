import { AccountPath, DeletionHeaders } from '../schemas/accounts.ts'
import { NoContent } from '../schemas/status.ts'
import { Termination } from '../schemas/terminations.ts'
import { Problem } from '../src/core/problem.ts'
import { answers, BODY_PROBLEMS } from '../src/http/answers.ts'
import { accountInPath, operation } from '../src/http/operation.ts'
import { contextOf, type Routes } from '../src/http/route.ts'
import { cancelPaymentAccountDeletion, deletePaymentAccount } from '../src/upstream/actions/terminations.ts'

/** The scheduled end of a paid account. */
export const terminationRoutes: Routes = async (app, { accounts }) => {
  app.route({
    method: 'PUT',
    url: '/accounts/:s3uid/termination',
    config: operation({
      scope: 'accounts:delete',
      rate: 'delete',
      account: accountInPath,
      audit: 'account.terminate',
      switches: ['accountDeletion', 'writes']
    }),
    schema: {
      operationId: 'createTermination',
      summary: 'Terminate a paid account',
      description:
        'Asks HOSTKEY to end a paid account with all its data; HOSTKEY sets the day. Needs the header `Confirm-Delete` with the name in the URL. The request is sent at most once, and no read shows a termination: after `outcome: unknown` ask HOSTKEY. Not every edition of HOSTKEY offers it (501).',
      tags: ['Accounts'],
      params: AccountPath,
      headers: DeletionHeaders,
      response: answers(
        { 200: Termination },
        BODY_PROBLEMS,
        deletePaymentAccount,
        'confirmation-required',
        'confirmation-mismatch'
      )
    },
    async handler(request) {
      const { s3uid } = request.params
      if (request.headers['confirm-delete'] !== s3uid) {
        throw new Problem('confirmation-mismatch', 'The header Confirm-Delete names another account than the URL.')
      }
      return accounts.terminate(contextOf(request), s3uid)
    }
  })

  app.route({
    method: 'DELETE',
    url: '/accounts/:s3uid/termination',
    config: operation({
      scope: 'accounts:delete',
      rate: 'write',
      account: accountInPath,
      audit: 'account.keep',
      switches: ['accountDeletion', 'writes']
    }),
    schema: {
      operationId: 'cancelTermination',
      summary: 'Undo the termination of an account',
      description:
        'Withdraws the termination before its day: the account stays, and is billed again. The request is sent at most once.',
      tags: ['Accounts'],
      params: AccountPath,
      response: answers({ 204: NoContent }, BODY_PROBLEMS, cancelPaymentAccountDeletion)
    },
    async handler(request, reply) {
      await accounts.cancelTermination(contextOf(request), request.params.s3uid)
      return reply.code(204).send(null)
    }
  })
}
