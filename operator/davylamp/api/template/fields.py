"""Fields of a pod template and how Kubernetes merges them. Generated: `make pod-fields`.

One line for each type. A bare word is a field of text, `f=[T]k` a list of T whose items are told
apart by k (`k:v` where v is what k is when absent), `f=[T]` a list that is one value, `f={T}` a map,
`|` one of several fields of which an object may have only one. An integer has 32 bits, a long 64.
The definition of a ModelDeployment is made of the same table: what is not in it, no overlay holds.
"""

from typing import Final

VERSION: Final = "1.35"
"""Of Kubernetes."""
FIELDS: Final = """
AWSElasticBlockStoreVolumeSource: fsType partition=integer readOnly=boolean volumeID
Affinity: nodeAffinity=NodeAffinity podAffinity=PodAffinity podAntiAffinity=PodAntiAffinity
AppArmorProfile: localhostProfile type
AzureDiskVolumeSource: cachingMode diskName diskURI fsType kind readOnly=boolean
AzureFileVolumeSource: readOnly=boolean secretName shareName
CSIVolumeSource: driver fsType nodePublishSecretRef=LocalObjectReference readOnly=boolean
  volumeAttributes={string}
Capabilities: add=[string] drop=[string]
CephFSVolumeSource: monitors=[string] path readOnly=boolean secretFile
  secretRef=LocalObjectReference user
CinderVolumeSource: fsType readOnly=boolean secretRef=LocalObjectReference volumeID
ClusterTrustBundleProjection: labelSelector=LabelSelector name optional=boolean path signerName
ConfigMapEnvSource: name optional=boolean
ConfigMapKeySelector: key name optional=boolean
ConfigMapProjection: items=[KeyToPath] name optional=boolean
ConfigMapVolumeSource: defaultMode=integer items=[KeyToPath] name optional=boolean
Container: args=[string] command=[string] env=[EnvVar]name envFrom=[EnvFromSource] image
  imagePullPolicy lifecycle=Lifecycle livenessProbe=Probe name
  ports=[ContainerPort]containerPort,protocol:TCP readinessProbe=Probe
  resizePolicy=[ContainerResizePolicy] resources=ResourceRequirements restartPolicy
  restartPolicyRules=[ContainerRestartRule] securityContext=SecurityContext startupProbe=Probe
  stdin=boolean stdinOnce=boolean terminationMessagePath terminationMessagePolicy tty=boolean
  volumeDevices=[VolumeDevice]devicePath volumeMounts=[VolumeMount]mountPath workingDir
ContainerPort: containerPort=integer hostIP hostPort=integer name protocol
ContainerResizePolicy: resourceName restartPolicy
ContainerRestartRule: action exitCodes=ContainerRestartRuleOnExitCodes
ContainerRestartRuleOnExitCodes: operator values=[integer]
DownwardAPIProjection: items=[DownwardAPIVolumeFile]
DownwardAPIVolumeFile: fieldRef=ObjectFieldSelector mode=integer path
  resourceFieldRef=ResourceFieldSelector
DownwardAPIVolumeSource: defaultMode=integer items=[DownwardAPIVolumeFile]
EmptyDirVolumeSource: medium sizeLimit=quantity
EnvFromSource: configMapRef=ConfigMapEnvSource prefix secretRef=SecretEnvSource
EnvVar: name value=string| valueFrom=EnvVarSource|
EnvVarSource: configMapKeyRef=ConfigMapKeySelector| fieldRef=ObjectFieldSelector|
  fileKeyRef=FileKeySelector| resourceFieldRef=ResourceFieldSelector|
  secretKeyRef=SecretKeySelector|
EphemeralVolumeSource: volumeClaimTemplate=PersistentVolumeClaimTemplate
ExecAction: command=[string]
FCVolumeSource: fsType lun=integer readOnly=boolean targetWWNs=[string] wwids=[string]
FileKeySelector: key optional=boolean path volumeName
FlexVolumeSource: driver fsType options={string} readOnly=boolean secretRef=LocalObjectReference
FlockerVolumeSource: datasetName datasetUUID
GCEPersistentDiskVolumeSource: fsType partition=integer pdName readOnly=boolean
GRPCAction: port=integer service
GitRepoVolumeSource: directory repository revision
GlusterfsVolumeSource: endpoints path readOnly=boolean
HTTPGetAction: host httpHeaders=[HTTPHeader] path port=int-or-string scheme
HTTPHeader: name value
HostAlias: hostnames=[string] ip
HostPathVolumeSource: path type
ISCSIVolumeSource: chapAuthDiscovery=boolean chapAuthSession=boolean fsType initiatorName iqn
  iscsiInterface lun=integer portals=[string] readOnly=boolean secretRef=LocalObjectReference
  targetPortal
ImageVolumeSource: pullPolicy reference
KeyToPath: key mode=integer path
LabelSelector: matchExpressions=[LabelSelectorRequirement] matchLabels={string}
LabelSelectorRequirement: key operator values=[string]
Lifecycle: postStart=LifecycleHandler preStop=LifecycleHandler stopSignal
LifecycleHandler: exec=ExecAction| httpGet=HTTPGetAction| sleep=SleepAction|
  tcpSocket=TCPSocketAction|
LocalObjectReference: name
NFSVolumeSource: path readOnly=boolean server
NodeAffinity: preferredDuringSchedulingIgnoredDuringExecution=[PreferredSchedulingTerm]
  requiredDuringSchedulingIgnoredDuringExecution=NodeSelector
NodeSelector: nodeSelectorTerms=[NodeSelectorTerm]
NodeSelectorRequirement: key operator values=[string]
NodeSelectorTerm: matchExpressions=[NodeSelectorRequirement] matchFields=[NodeSelectorRequirement]
ObjectFieldSelector: apiVersion fieldPath
ObjectMeta: annotations={string} labels={string}
PersistentVolumeClaimSpec: accessModes=[string] dataSource=TypedLocalObjectReference
  dataSourceRef=TypedObjectReference resources=VolumeResourceRequirements selector=LabelSelector
  storageClassName volumeAttributesClassName volumeMode volumeName
PersistentVolumeClaimTemplate: metadata=ObjectMeta spec=PersistentVolumeClaimSpec
PersistentVolumeClaimVolumeSource: claimName readOnly=boolean
PhotonPersistentDiskVolumeSource: fsType pdID
PodAffinity: preferredDuringSchedulingIgnoredDuringExecution=[WeightedPodAffinityTerm]
  requiredDuringSchedulingIgnoredDuringExecution=[PodAffinityTerm]
PodAffinityTerm: labelSelector=LabelSelector matchLabelKeys=[string] mismatchLabelKeys=[string]
  namespaceSelector=LabelSelector namespaces=[string] topologyKey
PodAntiAffinity: preferredDuringSchedulingIgnoredDuringExecution=[WeightedPodAffinityTerm]
  requiredDuringSchedulingIgnoredDuringExecution=[PodAffinityTerm]
PodCertificateProjection: certificateChainPath credentialBundlePath keyPath keyType
  maxExpirationSeconds=integer signerName userAnnotations={string}
PodDNSConfig: nameservers=[string] options=[PodDNSConfigOption] searches=[string]
PodDNSConfigOption: name value
PodOS: name
PodReadinessGate: conditionType
PodResourceClaim: name resourceClaimName=string| resourceClaimTemplateName=string|
PodSchedulingGate: name
PodSecurityContext: appArmorProfile=AppArmorProfile fsGroup=long fsGroupChangePolicy runAsGroup=long
  runAsNonRoot=boolean runAsUser=long seLinuxChangePolicy seLinuxOptions=SELinuxOptions
  seccompProfile=SeccompProfile supplementalGroups=[long] supplementalGroupsPolicy sysctls=[Sysctl]
  windowsOptions=WindowsSecurityContextOptions
PodSpec: activeDeadlineSeconds=long affinity=Affinity automountServiceAccountToken=boolean
  containers=[Container]name dnsConfig=PodDNSConfig dnsPolicy enableServiceLinks=boolean
  hostAliases=[HostAlias]ip hostIPC=boolean hostNetwork=boolean hostPID=boolean hostUsers=boolean
  hostname hostnameOverride imagePullSecrets=[LocalObjectReference]name
  initContainers=[Container]name nodeName nodeSelector={string} os=PodOS overhead={quantity}
  preemptionPolicy priority=integer priorityClassName readinessGates=[PodReadinessGate]
  resourceClaims=[PodResourceClaim]name resources=ResourceRequirements restartPolicy
  runtimeClassName schedulerName schedulingGates=[PodSchedulingGate]name
  securityContext=PodSecurityContext serviceAccount serviceAccountName setHostnameAsFQDN=boolean
  shareProcessNamespace=boolean subdomain terminationGracePeriodSeconds=long
  tolerations=[Toleration]
  topologySpreadConstraints=[TopologySpreadConstraint]topologyKey,whenUnsatisfiable
  volumes=[Volume]name workloadRef=WorkloadReference
PodTemplateSpec: metadata=ObjectMeta spec=PodSpec
PortworxVolumeSource: fsType readOnly=boolean volumeID
PreferredSchedulingTerm: preference=NodeSelectorTerm weight=integer
Probe: exec=ExecAction| failureThreshold=integer grpc=GRPCAction| httpGet=HTTPGetAction|
  initialDelaySeconds=integer periodSeconds=integer successThreshold=integer
  tcpSocket=TCPSocketAction| terminationGracePeriodSeconds=long timeoutSeconds=integer
ProjectedVolumeSource: defaultMode=integer sources=[VolumeProjection]
QuobyteVolumeSource: group readOnly=boolean registry tenant user volume
RBDVolumeSource: fsType image keyring monitors=[string] pool readOnly=boolean
  secretRef=LocalObjectReference user
ResourceClaim: name request
ResourceFieldSelector: containerName divisor=quantity resource
ResourceRequirements: claims=[ResourceClaim]name limits={quantity} requests={quantity}
SELinuxOptions: level role type user
ScaleIOVolumeSource: fsType gateway protectionDomain readOnly=boolean secretRef=LocalObjectReference
  sslEnabled=boolean storageMode storagePool system volumeName
SeccompProfile: localhostProfile type
SecretEnvSource: name optional=boolean
SecretKeySelector: key name optional=boolean
SecretProjection: items=[KeyToPath] name optional=boolean
SecretVolumeSource: defaultMode=integer items=[KeyToPath] optional=boolean secretName
SecurityContext: allowPrivilegeEscalation=boolean appArmorProfile=AppArmorProfile
  capabilities=Capabilities privileged=boolean procMount readOnlyRootFilesystem=boolean
  runAsGroup=long runAsNonRoot=boolean runAsUser=long seLinuxOptions=SELinuxOptions
  seccompProfile=SeccompProfile windowsOptions=WindowsSecurityContextOptions
ServiceAccountTokenProjection: audience expirationSeconds=long path
SleepAction: seconds=long
StorageOSVolumeSource: fsType readOnly=boolean secretRef=LocalObjectReference volumeName
  volumeNamespace
Sysctl: name value
TCPSocketAction: host port=int-or-string
Toleration: effect key operator tolerationSeconds=long value
TopologySpreadConstraint: labelSelector=LabelSelector matchLabelKeys=[string] maxSkew=integer
  minDomains=integer nodeAffinityPolicy nodeTaintsPolicy topologyKey whenUnsatisfiable
TypedLocalObjectReference: apiGroup kind name
TypedObjectReference: apiGroup kind name namespace
Volume: awsElasticBlockStore=AWSElasticBlockStoreVolumeSource| azureDisk=AzureDiskVolumeSource|
  azureFile=AzureFileVolumeSource| cephfs=CephFSVolumeSource| cinder=CinderVolumeSource|
  configMap=ConfigMapVolumeSource| csi=CSIVolumeSource| downwardAPI=DownwardAPIVolumeSource|
  emptyDir=EmptyDirVolumeSource| ephemeral=EphemeralVolumeSource| fc=FCVolumeSource|
  flexVolume=FlexVolumeSource| flocker=FlockerVolumeSource|
  gcePersistentDisk=GCEPersistentDiskVolumeSource| gitRepo=GitRepoVolumeSource|
  glusterfs=GlusterfsVolumeSource| hostPath=HostPathVolumeSource| image=ImageVolumeSource|
  iscsi=ISCSIVolumeSource| name nfs=NFSVolumeSource|
  persistentVolumeClaim=PersistentVolumeClaimVolumeSource|
  photonPersistentDisk=PhotonPersistentDiskVolumeSource| portworxVolume=PortworxVolumeSource|
  projected=ProjectedVolumeSource| quobyte=QuobyteVolumeSource| rbd=RBDVolumeSource|
  scaleIO=ScaleIOVolumeSource| secret=SecretVolumeSource| storageos=StorageOSVolumeSource|
  vsphereVolume=VsphereVirtualDiskVolumeSource|
VolumeDevice: devicePath name
VolumeMount: mountPath mountPropagation name readOnly=boolean recursiveReadOnly subPath subPathExpr
VolumeProjection: clusterTrustBundle=ClusterTrustBundleProjection configMap=ConfigMapProjection
  downwardAPI=DownwardAPIProjection podCertificate=PodCertificateProjection secret=SecretProjection
  serviceAccountToken=ServiceAccountTokenProjection
VolumeResourceRequirements: limits={quantity} requests={quantity}
VsphereVirtualDiskVolumeSource: fsType storagePolicyID storagePolicyName volumePath
WeightedPodAffinityTerm: podAffinityTerm=PodAffinityTerm weight=integer
WindowsSecurityContextOptions: gmsaCredentialSpec gmsaCredentialSpecName hostProcess=boolean
  runAsUserName
WorkloadReference: name podGroup podGroupReplicaKey
"""
