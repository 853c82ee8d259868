{{/* Made by `make docs` from the inventory of kinds. */}}
{{- define "krate.kinds.organization" -}}
- agentstacks
- agenttoolprofiles
- agentserviceaccounts
- agentrolebindings
- agentsecretgrants
- agentconfiggrants
- agentmcpservers
- agentskills
- agentsubagents
- agentcontextlabels
- agenttriggerrules
- agentworkspacepolicies
- agentadapters
- agenttransportbindings
- agentproviderconfigs
- agentgatewayconfigs
- agentpersonas
- agentsouls
- agentappearances
- agentvoiceprofiles
- agentdefinitions
- agentmemoryrepositories
- agentmemorysources
- agentmemoryontologies
- agentmemoryassociations
{{- end }}
{{- define "krate.kinds.organization.status" -}}
- agentstacks/status
- agenttoolprofiles/status
- agentserviceaccounts/status
- agentrolebindings/status
- agentsecretgrants/status
- agentconfiggrants/status
- agentmcpservers/status
- agentskills/status
- agentsubagents/status
- agentcontextlabels/status
- agenttriggerrules/status
- agentworkspacepolicies/status
- agentadapters/status
- agenttransportbindings/status
- agentproviderconfigs/status
- agentgatewayconfigs/status
- agentpersonas/status
- agentsouls/status
- agentappearances/status
- agentvoiceprofiles/status
- agentdefinitions/status
- agentmemoryrepositories/status
- agentmemorysources/status
- agentmemoryontologies/status
- agentmemoryassociations/status
{{- end }}
{{- define "krate.kinds.tenancy" -}}
- organizations
- orgnamespacebindings
- orgsharingpolicies
{{- end }}
{{- define "krate.kinds.tenancy.status" -}}
- organizations/status
- orgnamespacebindings/status
- orgsharingpolicies/status
{{- end }}
